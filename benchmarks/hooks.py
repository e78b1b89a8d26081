"What watching costs: a Learner's fit with the statistics of nnbolts.hooks, sampling every 10th batch, over one without them."
import statistics, time
import torch
from torch import nn
from nnbolts.data import mnist
from nnbolts.hooks import ActivationStats, GradientStats, UpdateRatio
from nnbolts.learner import DataLoaders, Learner, Progress
from nnbolts.training import Dataset

def main(rounds=9):
    torch.set_num_threads(1)
    x, y = mnist('train')
    dls = DataLoaders.of(Dataset(x[:20_000], y[:20_000]), batch_size=64)
    def seconds(make):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
        learn = Learner(model, dls, nn.functional.cross_entropy, lr=0.1, cbs=make(model)).remove(Progress)
        start = time.perf_counter()
        learn.fit(1)
        return time.perf_counter() - start
    makes = {'nothing': lambda m: [], 'ActivationStats': lambda m: [ActivationStats(m, every=10)], 'GradientStats': lambda m: [GradientStats(m, every=10)],
             'UpdateRatio': lambda m: [UpdateRatio(m, every=10)],
             'all three': lambda m: [ActivationStats(m, every=10), GradientStats(m, every=10), UpdateRatio(m, every=10)]}
    took = {k: [] for k in makes}
    for _ in range(rounds):
        for k, make in makes.items(): took[k].append(seconds(make))
    batches = len(dls.train)
    print('MLP 784-50-10, batch 64, one thread, every 10th batch.\n\n| watching | us a batch | over nothing |\n| --- | ---: | ---: |')
    for k, t in took.items(): print(f'| {k} | {1e6*min(t)/batches:.0f} | {min(t)/min(took["nothing"]):.3f} |')

if __name__ == '__main__': main()
