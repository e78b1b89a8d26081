"What a page costs a slow phone: its longest task, at a quarter of this processor's speed."
import lxml.html
import pytest

WATCH = """window.nbLong = [];
const watch = new PerformanceObserver(list => nbLong.push(...list.getEntries().map(e => Math.round(e.duration))));
watch.observe({type: 'longtask', buffered: true});"""


@pytest.fixture(scope='module')
def heaviest(site):
    return max(
        (p.relative_to(site).as_posix() for p in site.rglob('*.html')),
        key=lambda name: sum(1 for _ in lxml.html.parse(site / name).iter()),
    )


def test_measure_the_longest_task_on_a_slow_phone(browser, served, heaviest, report):
    runs = []
    for _ in range(3):
        context = browser.new_context(viewport=dict(width=390, height=844))
        tab = context.new_page()
        context.new_cdp_session(tab).send('Emulation.setCPUThrottlingRate', dict(rate=4))
        tab.add_init_script(WATCH)
        tab.goto(f'{served}/{heaviest}')
        tab.wait_for_function('performance.now() > 2500')
        runs.append(max(tab.evaluate('nbLong'), default=0))
        context.close()
    report(f'{heaviest}: the longest task at a quarter of the speed takes {min(runs)} ms (three loads: {runs})')
