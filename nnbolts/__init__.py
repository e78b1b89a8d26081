"""The nuts and bolts of neural networks in PyTorch: each part built from plain tensors, and equal to PyTorch's.

Each module is a chapter, and each chapter a notebook and a page:

basics          gradient descent, then digits from nothing but tensors
losses          what a loss does to the numbers that a model gives, and a table that shows it
training        a training loop, turn by turn: Module, Optimizer, DataLoader from scratch
callbacks       how your code runs inside code that you cannot edit
backprop        what `backward` does and keeps, and the derivatives of the common operations
statistics      mean, spread and correlation, without losing them to rounding
hooks           how to look inside a model while it runs
learner         Learner: a training program whose every varying part is a callback
schedules       learning rates that change while a fit runs, and how to find one
guards          early stopping, the best weights, clipping, accumulation, another device, 16 bits
norms           batch, layer, instance and group norm
weightnorm      length and direction of the weights as two things
dropout         dropout, and what becomes of a network by it
convolutions    conv2d, its gradients, its cost
einsum          einsum, and an explanation of any expression
initialization  where the weights start: Xavier, Kaiming, orthogonal, a whole model, from data, the last bias
optimizers      what an optimizer remembers: SGD, RMSprop, Adam, AdamW, Lion, Muon, averages of weights
resnet          residual blocks and networks, and digits by the second
attention       attention, heads, positions, a transformer that writes, and a picture of where it looks
diagnosis       diagnose: one line that says why a model does not learn
scaling         checkpoints that a killed fit goes on from, and one fit by many processes
check           compare, same: are two functions the same, gradients too? exercise, check: exercises
expect          checks of arguments, with one error and one wording for one mistake
data            the MNIST digits, in the package
explore         explore: a slider for each parameter of a function, with or without a kernel
figures         one picture for light and dark pages
errors          explain_error: what an error of PyTorch means, and which tensors the line that failed had
progress        the live table and bar of a long computation, wherever it runs
findings        what can be wrong with a program, and how it is said
checks          what diagnose looks at, and how to add a look of your own
watch           watch: one line round a loop of your own says what is wrong with it

Nothing is imported until you ask for it: `from nnbolts.losses import cross_entropy`.
In Jupyter, `%load_ext nnbolts` adds to each traceback what is known of the error.
In a shell, `python -m nnbolts` copies the notebooks that belong to this version, or tells what you run.
Documentation: https://nnbolts.github.io/nnbolts
"""
__version__ = "0.1.0"

def load_ipython_extension(ip):
    "`%load_ext nnbolts`: after each traceback, what `explain_error` knows of the error."
    from . import errors
    errors.load_ipython_extension(ip)

def unload_ipython_extension(ip):
    "`%unload_ext nnbolts`: tracebacks as they were."
    from . import errors
    errors.unload_ipython_extension(ip)
