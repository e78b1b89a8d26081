"What the tests of the learner and its callbacks share: a small model, its data, a callback that raises."
import signal
import pytest, torch, torch.nn.functional as F
from torch import nn
from nnbolts.callbacks import Callback
from nnbolts.learner import DataLoaders, Learner
from nnbolts.training import DataLoader, Dataset, Linear, ReLU, Sequential

def data(n=20, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=g)
    return x, x[:, :1] - x[:, 1:2]

def model(torch_nn=True):
    torch.manual_seed(0)
    if not torch_nn: return Sequential(Linear(6, 5), ReLU(), Linear(5, 1))
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1))

def loaders(): return DataLoaders(DataLoader(Dataset(*data()), 5), DataLoader(Dataset(*data(8, 1)), 5))

def make(m=None, dls=None, loss_func=F.mse_loss, **kwargs):
    return Learner(m or model(), dls or loaders(), loss_func, **kwargs)

@pytest.fixture(autouse=True)
def plain_sigint():
    "Each test begins and ends with Python's own handler."
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, old)

class Raise(Callback):
    "Raises at the n-th time that an event happens."
    def __init__(self, event, error, n=1):
        self.error, self.left = error, n
        setattr(self, event, self._raise)

    def _raise(self, learn):
        self.left -= 1
        if self.left == 0: raise self.error

def weights(m): return torch.cat([p.detach().flatten() for p in m.parameters()])

def batches_of(make_y, sizes=(10, 2)):
    g = torch.Generator().manual_seed(0)
    xs = [torch.randn(n, 6, generator=g) for n in sizes]
    return [(x, make_y(x)) for x in xs]

class Rates(Callback):
    "The rates of all groups, batch by batch."
    order = 70
    def before_fit(self, learn): self.rates = []
    def after_step(self, learn): self.rates.append([float(g['lr']) for g in learn.opt.param_groups])
