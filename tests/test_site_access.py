"Accessibility, by axe-core: every page, light and dark, wide and narrow."
import pytest
from test_site import ALL

SCREENS = {'desktop': dict(width=1400, height=900), 'phone': dict(width=390, height=844)}
KNOWN: dict[str, str] = {}  # rule: why it may stand


@pytest.fixture(scope='module')
def axe():
    from axe_playwright_python.base import AXE_FILE_PATH
    return AXE_FILE_PATH.read_text(encoding='utf-8')


@pytest.mark.parametrize('screen', SCREENS)
@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('name', ALL)
def test_axe_finds_no_fault(browser, served, axe, name, scheme, screen):
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)
    tab = context.new_page()
    try:
        tab.goto(f'{served}/{name}')
        tab.evaluate(axe)
        found = tab.evaluate("() => axe.run(document, {resultTypes: ['violations'], iframes: false})")['violations']
    finally: context.close()
    faults = [f'{v["id"]} ({v["impact"]}), {len(v["nodes"])} times: {v["nodes"][0]["target"]} {v["nodes"][0]["html"][:160]}' for v in found if v['id'] not in KNOWN]
    assert not faults, '\n'.join(faults)
