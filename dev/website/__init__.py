"The site's build: from the notebooks to _docs/. Start at `build`."
