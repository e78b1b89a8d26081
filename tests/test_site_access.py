"Accessibility, by axe-core: every page, light and dark, wide and narrow."
import pytest
from test_site import ALL

SCREENS = {'desktop': dict(width=1400, height=900), 'phone': dict(width=390, height=844)}
STYLE = ['color-contrast', 'scrollable-region-focusable', 'target-size', 'link-in-text-block', 'aria-hidden-focus']  # the rules whose answer depends on the screen
KNOWN = {  # rule: where it may stand, and why
    'empty-table-header': ('.nb-explore', 'the corner above the row names of a table that pandas wrote into the stored results of an explorer'),
}
RUN = """async ([skip, only, known]) => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const found = await axe.run({exclude: skip}, {resultTypes: ['violations'], iframes: false, ...(only && {runOnly: only})});
    return found.violations.flatMap(v => v.nodes.filter(n => !known[v.id] || !document.querySelector(n.target[0])?.closest(known[v.id])).map(n => [v.id, v.impact, n.target.join(' '), n.html.slice(0, 160), n.any.concat(n.all, n.none).map(c => c.message).join('; ')]));
}"""


@pytest.fixture(scope='module')
def axe():
    from axe_playwright_python.base import AXE_FILE_PATH
    return AXE_FILE_PATH.read_text(encoding='utf-8')


@pytest.mark.parametrize('name', ALL)
def test_axe_finds_no_fault(browser, served, axe, name):
    "All rules once, then those of style in the other schemes and on the other screens. The colors within code are few: the contrast test has them."
    context, faults = browser.new_context(viewport=SCREENS['desktop'], color_scheme='light'), []
    tab = context.new_page()
    try:
        tab.goto(f'{served}/{name}')
        tab.evaluate(axe)
        for screen, size in SCREENS.items():
            tab.set_viewport_size(size)
            for scheme in ('light', 'dark'):
                tab.emulate_media(color_scheme=scheme)
                whole = (screen, scheme) == ('desktop', 'light')
                skip = [['svg > *'], ['math > *']] + ([] if whole else [['pre code']])
                for rule, impact, target, html, said in tab.evaluate(RUN, [skip, None if whole else STYLE, {k: where for k, (where, _) in KNOWN.items()}]):
                    faults.append(f'{screen}, {scheme}: {rule} ({impact}) at {target}: {html} {said}')
    finally: context.close()
    assert not faults, f'{len(faults)} faults\n' + '\n'.join(faults[:12])
