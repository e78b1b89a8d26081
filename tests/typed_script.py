"What a user of the package writes: mypy and pyright must find nothing to say about it (test_types.py)."
from typing import assert_type
import torch
from torch import Tensor, nn
from nnbolts.basics import accuracy
from nnbolts.check import awkward_inputs, compare, same
from nnbolts.data import mnist
from nnbolts.einsum import einsum
from nnbolts.explore import explore
from nnbolts.hooks import layer_table
from nnbolts.guards import EarlyStopping, GradientClip
from nnbolts.learner import DataLoaders, Learner
from nnbolts.losses import bce, cross_entropy, softmax
from nnbolts.norms import LayerNorm
from nnbolts.statistics import std
from nnbolts.training import Adam, Dataset

def sets(n: int) -> list[Dataset]:
    parts = [mnist('train'), mnist('valid')]
    return [Dataset(x[:n], y[:n]) for x, y in parts]

def network(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(784, width), nn.ReLU(), LayerNorm(width), nn.Linear(width, 10))

def smooth_loss(pred: Tensor, target: Tensor) -> Tensor:
    return cross_entropy(pred, target) + 1e-3*pred.pow(2).mean()

train, valid = sets(256)
dls = DataLoaders.of(train, valid, batch_size=64)
learn = Learner(
    network(30), dls, smooth_loss, lr=0.1, cbs=[EarlyStopping(patience=2), GradientClip(1.0)], metrics=accuracy
)
learn.fit(2)
learn.fit_one_cycle(1, 0.05)
found = learn.validate()
print({name: round(value, 2) for name, value in found.items()}, layer_table(learn.model, torch.zeros(1, 784)))
predictions = learn.predict(mnist('test')[0][:5])
learn.recorder.plot_loss()

other = Learner(network(8), (dls.train, dls.valid), cross_entropy, opt_func=torch.optim.AdamW)
other.fit(1)
by_hand = Adam(other.model.parameters(), lr=1e-3)
by_hand.zero_grad()

assert_type(softmax(torch.randn(3)), Tensor)
assert_type(std(torch.randn(3), correction=1), Tensor)
loss: Tensor = bce(torch.zeros(3), torch.ones(3))
same(torch.square, lambda x: x*x, *awkward_inputs(4))
compare('product', einsum('ij,jk->ik', torch.ones(2, 3), torch.ones(3, 2)), torch.full((2, 2), 3.))
explore(lambda n=1: f'{n} times', n=range(3)).save('page.html')
