"What arguments must be, while graphs are traced."
import pytest, torch
from nnbolts.expect import number, one_of, same_shape, tensor, whole

def guarded(x, y, n=2, p=0.5, kind='a'):
    tensor('x', x, 'floating', ndim=(1, 2))
    same_shape('x', x, 'y', y)
    whole('n', n, 1, x.shape[-1])
    number('p', p, 0, 1)
    one_of('kind', kind, ['a', 'b'])
    return (x * p + y).sum(-1) * n

@pytest.mark.parametrize('dynamic', [False, True])
def test_compiles_in_one_graph(dynamic):
    torch._dynamo.reset()
    f = torch.compile(guarded, fullgraph=True, backend='eager', dynamic=dynamic)
    for n in (3, 4, 5):
        x, y = torch.randn(2, n), torch.randn(2, n)
        torch.testing.assert_close(f(x, y), guarded(x, y))

def test_transforms_export_and_empty_devices():
    x, y = torch.randn(4, 3), torch.randn(4, 3)
    torch.testing.assert_close(torch.func.vmap(guarded)(x, y), guarded(x, y))
    torch.testing.assert_close(torch.func.jacrev(guarded)(x[0], y[0]), torch.full((3,), 1.))
    assert guarded(x.to('meta'), y.to('meta')).shape == (4,)
    class M(torch.nn.Module):
        def forward(self, x, y): return guarded(x, y)
    torch.testing.assert_close(torch.export.export(M(), (x, y)).module()(x, y), guarded(x, y))

def test_a_tensor_as_a_number_is_looked_at_only_where_it_can_be():
    assert torch.is_tensor(number('p', torch.tensor(7., device='meta'), 0, 1))
    with pytest.raises(ValueError, match='p: expected a number from 0 to 1, got 7.0'):
        number('p', torch.tensor(7.), 0, 1)
