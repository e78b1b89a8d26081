"What PyTorch's own layers go through: compile, export, transforms, forward mode, meta tensors; each gives a tensor."

import torch
import torch.autograd.forward_ad as forward
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap

def loss(m, x): return m(x).pow(3).sum()

def state(m): return {k: p.detach() for k, p in m.named_parameters()}, {k: b.clone() for k, b in m.named_buffers()}

def compiled(m, x, **options):
    torch._dynamo.reset()
    run, z = torch.compile(m, backend='aot_eager', fullgraph=True, **options), x.clone().requires_grad_()
    loss(run, z).backward()
    return torch.cat([z.grad.flatten(), run(torch.cat([x, x])).flatten()])

def compiled_dynamic(m, x): return compiled(m, x, dynamic=True)

def exported(m, x): return torch.export.export(m, (x,)).module()(x)

def exported_dynamic(m, x):
    shapes = ({0: torch.export.Dim('cases', min=2, max=99)},)
    return torch.export.export(m, (x,), dynamic_shapes=shapes).module()(torch.cat([x, x]))

def traced(m, x): return torch.jit.trace(m, x, check_trace=False)(x)

def symbolic(m, x):
    from torch.fx.experimental.proxy_tensor import make_fx
    return make_fx(m, tracing_mode='symbolic')(x)(x)

def mapped(m, x): return vmap(m, randomness='different')(torch.stack([x, x + 1]))

def of_each_case(m, x):
    params, buffers = state(m)
    each = lambda p, x: functional_call(m, (p, buffers), x[None]).pow(2).sum()
    return vmap(grad(each), (None, 0), randomness='different')(params, x)

def functional_gradient(m, x): return grad(lambda x: loss(m, x))(x)

def forward_mode(m, x): return jvp(m, (x,), (x.sin(),))[1]

def jacobian_forward(m, x): return jacfwd(m)(x[:2])

def jacobian_reverse(m, x): return jacrev(m)(x[:2])

def second_derivatives(m, x): return hessian(lambda x: loss(m, x))(x[:2])

def second_derivatives_of_parameters(m, x):
    params, buffers = state(m)
    return hessian(lambda p: functional_call(m, (p, buffers), x).pow(3).sum())(params)

def dual_numbers(m, x):
    with forward.dual_level(): return forward.unpack_dual(m(forward.make_dual(x, x.sin()))).tangent

def differences(m, x):
    "Derivatives against differences: reverse, forward, batched; second ones, in random directions, forward over."
    def f(x):
        torch.manual_seed(0)
        return m(x)
    x = x[:2, :3] if not hasattr(m, 'weight') or m.weight is None else x[:2]
    assert torch.autograd.gradcheck(
        f, x.clone().requires_grad_(), check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
    )
    assert torch.autograd.gradgradcheck(
        f, x.clone().requires_grad_(), check_fwd_over_rev=True, check_batched_grad=True, fast_mode=True
    )
    return m(x)

def of_gradients(m, x):
    "A gradient of a gradient, with respect to input and parameters."
    z = x.clone().requires_grad_()
    inputs = [z, *m.parameters()]
    first = torch.autograd.grad(loss(m, z), inputs, create_graph=True)
    return torch.autograd.grad(sum(g.square().sum() for g in first), inputs)

def on_meta(m, x): return torch.tensor(m.to('meta')(x.to('meta')).shape)

def on_fake(m, x):
    with FakeTensorMode(allow_non_fake_inputs=True) as mode: shape = m(mode.from_tensor(x)).shape
    return torch.tensor(shape)

ALL = [
    compiled,
    compiled_dynamic,
    exported,
    exported_dynamic,
    traced,
    symbolic,
    mapped,
    of_each_case,
    functional_gradient,
    forward_mode,
    jacobian_forward,
    jacobian_reverse,
    second_derivatives,
    second_derivatives_of_parameters,
    dual_numbers,
    differences,
    of_gradients,
    on_meta,
    on_fake,
]

def outcome(f, m, x, seed=0):
    "All numbers that f gives for a layer, or the error."
    torch.manual_seed(seed)
    try: found = f(m, x)
    except Exception as e: return e
    return torch.cat([torch.zeros(0), *(t.detach().double().flatten() for t in torch.utils._pytree.tree_leaves(found))])

def agree(f, ours, theirs, x):
    "Where f works with torch's layer it works with ours, and gives the same numbers."
    right, got = outcome(f, theirs, x), outcome(f, ours, x)
    if isinstance(right, Exception): return
    if isinstance(got, Exception): raise got
    torch.testing.assert_close(got, right, rtol=1e-7, atol=1e-9)

# autocast

def autocast_types(m, x, dtype):
    "The types of the output and of the gradients under autocast on a CPU, or the kind of error."
    z = x.clone().requires_grad_()
    try:
        with torch.autocast('cpu', dtype): y = m(z)
        y.float().sum().backward()
        return y.dtype, z.grad.dtype, [None if p.grad is None else p.grad.dtype for p in m.parameters()]
    except (RuntimeError, ValueError): return 'refused'

def gpu_autocast_type(m, x, dtype=torch.bfloat16):
    "The type of the output under autocast on a GPU, found out without one: fake tensors say that they lie there."
    mode, before = FakeTensorMode(), (torch.is_autocast_enabled('cuda'), torch.get_autocast_dtype('cuda'))
    there = lambda t: FakeTensor(mode, torch.empty(t.shape, dtype=t.dtype, device='meta'), torch.device('cuda', 0))
    state, x = {k: there(t) for k, t in (*m.named_parameters(), *m.named_buffers())}, there(x)
    try:
        torch.set_autocast_enabled('cuda', True), torch.set_autocast_dtype('cuda', dtype)
        with mode: return functional_call(m, state, x).dtype
    finally: torch.set_autocast_enabled('cuda', before[0]), torch.set_autocast_dtype('cuda', before[1])
