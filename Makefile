# Each command sets up what it needs. Start with `make site` or `make test`.
PYTHON ?= python3
BIN := .venv/bin
NB ?=

.PHONY: help bench-peers site test lab restore preview outputs bench hooks clean

help:
	@echo "make site      build the website into _docs/ and say how to open it"
	@echo "make test      check everything that must hold"
	@echo "make lab       open JupyterLab on the notebooks; saving keeps them clean"
	@echo "make restore   get a clean notebook back: make restore NB=nbs/02_losses.ipynb (yours is kept in kept/)"
	@echo "make preview   serve _docs/ and build again on each change"
	@echo "make outputs   execute the notebooks in place (NB=nbs/02_losses.ipynb for one), export, write the README"
	@echo "make bench     timings against PyTorch and other trainers (make bench-peers, once, installs those)"
	@echo "make hooks     notebooks as text in git diff, merged cell by cell (in .git/config of this clone, nowhere else)"

.venv/ready: settings.ini setup.py constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(None if sys.version_info >= (3, 11) else f"nnbolts needs Python 3.11 or newer; {sys.executable} is {v}. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Setting up .venv (once; a few minutes, most of them for PyTorch)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

site: .venv/ready
	@$(BIN)/python dev/site.py

test: .venv/ready
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder tests

# What JupyterLab and IPython would write into the home folder goes into .venv.
LAB := NNBOLTS_ROOT='$(CURDIR)' JUPYTER_CONFIG_DIR='$(CURDIR)/.venv/jupyter' JUPYTER_DATA_DIR='$(CURDIR)/.venv/jupyter/data' \
	JUPYTER_RUNTIME_DIR='$(CURDIR)/.venv/jupyter/runtime' IPYTHONDIR='$(CURDIR)/.venv/jupyter/ipython' npm_config_cache='$(CURDIR)/.venv/jupyter/npm'
lab: .venv/ready
	@echo "JupyterLab opens on nbs/. Stop it with Ctrl-C. Running and saving cells leaves the notebooks clean; what you edit stays."
	@echo "For a notebook as it was: make restore NB=nbs/02_losses.ipynb"
	@$(LAB) PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab --config='$(CURDIR)/dev/jupyter_server_config.py' $$([ "$$(id -u)" = 0 ] && echo --allow-root) $(LABFLAGS)

restore:
	@test -n "$(NB)" || { echo "Name the notebook: make restore NB=nbs/02_losses.ipynb"; exit 1; }
	@mkdir -p kept
	@if [ -e "$(NB)" ]; then cp "$(NB)" "kept/$$(basename "$(NB)" .ipynb)-$$(date +%Y%m%d-%H%M%S).ipynb"; fi
	@git checkout HEAD -- "$(NB)"
	@echo "$(NB) is as it was committed; yours is in kept/. In JupyterLab: File, Reload Notebook from Disk"

preview: .venv/ready
	@$(BIN)/python dev/site.py --serve

outputs: .venv/ready
	@$(BIN)/nbdev_export
	@$(BIN)/python dev/notebooks.py outputs $(NB)
	@echo "Next: git diff, then make test"

bench: .venv/ready
	@$(BIN)/python benchmarks/run.py

# The other trainers need packages that do not go with ours, and a torchvision that is not there: they get an environment of their own.
bench-peers: .venv/ready
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt) skorch lightning \
		matplotlib pandas pillow requests scipy pyyaml python-fasthtml cloudpickle plum-dispatch fasttransform
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps fastai fastcore fastdownload fastprogress \
		neural_net_checklist
	@echo "Next: make bench"

hooks: .venv/ready
	@git config --local diff.ipynb.textconv "'$(CURDIR)/$(BIN)/python' '$(CURDIR)/dev/notebooks.py' text"
	@git config --local merge.nbdev-merge.name 'cell by cell, with nbdev_fix'
	@git config --local merge.nbdev-merge.driver "'$(CURDIR)/$(BIN)/nbdev_merge' %O %A %B %P"
	@echo "Notebooks show as text in git diff and are merged cell by cell. Next: make lab"

clean:
	rm -rf _docs _proc _site_src build dist *.egg-info
