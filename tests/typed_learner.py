"What a user of the learner writes: mypy and pyright must find nothing to say about it (test_types.py)."
from functools import partial
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset
from nnbolts.callbacks import Callback, CancelFit
from nnbolts.guards import EarlyStopping, GradientAccumulation, GradientClip, SaveBest
from nnbolts.learner import DataLoaders, Learner, unpack
from nnbolts.schedules import SchedulerCB, one_cycle
from nnbolts.training import Adam, DataLoader, Dataset, SGD

class StopAt(Callback):
    def __init__(self, loss: float) -> None: self.loss = loss
    def after_batch(self, learn: Learner) -> None:
        if learn.training and learn.loss.item() < self.loss: raise CancelFit('good enough')

class Auto(Learner):
    def unpack(self, batch: torch.Tensor) -> tuple[tuple, dict, torch.Tensor]: return (batch,), {}, batch

def accuracy(pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor: return (pred.argmax(-1) == y).float().mean()

x, y = torch.randn(100, 6), torch.randint(0, 3, (100,))
model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
dls = DataLoaders.of(Dataset(x, y), Dataset(x, y), batch_size=10)
loader = torch.utils.data.DataLoader(TensorDataset(x, y), 10)
learn = Learner(model, dls, F.cross_entropy, metrics=accuracy, cbs=[GradientClip(1.), StopAt(0.01)])
learn.fit(2, lr=0.1, cbs=EarlyStopping(patience=2))
learn.fit_one_cycle(1, 0.1)
Learner(model, DataLoaders(loader), nn.CrossEntropyLoss(), opt_func=torch.optim.AdamW, metrics=[accuracy]).fit(1)
Learner(model, (loader, None), nn.CrossEntropyLoss(), opt_func=Adam, metrics={'acc': accuracy}).fit(1)
Learner(model, dls, F.cross_entropy, opt_func=partial(SGD, momentum=0.9)).fit(
    1, cbs=[SchedulerCB(one_cycle(0.1)), SaveBest()]
)
Learner(
    model, dls, F.cross_entropy, lr=1e-3, opt_func=torch.optim.Adam(model.parameters()), cbs=GradientAccumulation(2)
).fit(1)
Auto(nn.Linear(6, 6), DataLoaders([x]), F.mse_loss).fit(1)
figures: dict = learn.validate()
loss: float = learn.recorder.losses[-1]
rate: float = learn.lr_find(plot=False)
out, targets = learn.get_preds()
print(
    learn.predict(x).shape,
    learn.summary(),
    out.shape,
    learn.recorder.table,
    learn.recorder.rows[-1]['valid_loss'],
    unpack((x, y))[0],
    rate,
)
