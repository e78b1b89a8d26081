"Files that are not what they should be, and the pictures. Runs without a checkout (test_wheel.py)."
import gzip, io, struct, tracemalloc
import matplotlib
matplotlib.use('agg')
import matplotlib.pyplot as plt
import pytest
import torch
from nnbolts import data
from nnbolts.data import mnist, mnist_sample, read_idx, show_image, show_images

def idx(shape, numbers): return b'\0\0\x08' + bytes([len(shape)]) + struct.pack(f'>{len(shape)}I', *shape) + numbers

def peak(f):
    tracemalloc.start()
    try: f()
    finally:
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return most

@pytest.mark.parametrize('zeros', [10_000_000, 300_000_000])
def test_a_small_gzip_cannot_take_much_memory(tmp_path, zeros):
    "A 306 kB file whose header promises six bytes took 602 MB before it was refused."
    path = tmp_path/'bomb.gz'
    with gzip.open(path, 'wb') as file:
        file.write(idx((6,), b''))
        for _ in range(zeros//1_000_000): file.write(bytes(1_000_000))
    def read():
        with pytest.raises(ValueError, match=r'bomb.gz: expected 6 bytes for the shape \(6,\), got more'):
            read_idx(path)
    assert peak(read) < 2e6

@pytest.mark.parametrize('suffix', ['idx', 'gz'])
def test_a_header_that_promises_too_much_takes_no_memory(tmp_path, suffix):
    raw = idx((2**31, 2**20), b'123')
    path = tmp_path/f'promise.{suffix}'
    path.write_bytes(gzip.compress(raw) if suffix == 'gz' else raw)
    def read():
        with pytest.raises(ValueError, match='got 3'): read_idx(path)
    assert peak(read) < 4e6

def test_more_than_one_piece_is_read_whole(tmp_path):
    numbers = torch.randint(256, (3, 1000, 1000), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    path = tmp_path/'big.gz'
    path.write_bytes(gzip.compress(idx(numbers.shape, numbers.numpy().tobytes()), 1))
    assert torch.equal(read_idx(path), numbers)

def test_the_last_bytes_of_a_gzip_are_checked(tmp_path):
    raw = bytearray(gzip.compress(idx((3,), b'123')))
    raw[-6] ^= 1  # the sum over the contents
    (tmp_path/'x.gz').write_bytes(raw)
    with pytest.raises(ValueError, match='x.gz: expected a gzip file, got a damaged one'): read_idx(tmp_path/'x.gz')

def test_a_wrong_file_is_caught_by_its_fingerprint(monkeypatch, tmp_path):
    for name in data._files: (tmp_path/name).write_bytes((data._folder/name).read_bytes())
    raw = bytearray(gzip.decompress((tmp_path/'t10k-labels-idx1-ubyte.gz').read_bytes()))
    raw[-1] ^= 1
    (tmp_path/'t10k-labels-idx1-ubyte.gz').write_bytes(gzip.compress(raw))
    monkeypatch.setattr(data, '_folder', tmp_path)
    data._load.cache_clear()
    try:
        with pytest.raises(ValueError, match='expected bytes with the SHA-256'): mnist('test')
    finally: data._load.cache_clear()

def test_the_digits():
    x, y = mnist('train')
    assert x.shape == (50_000, 784) and x.dtype == torch.float32 and y.dtype == torch.int64
    assert y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4] and x.min() == 0 and x.max() == 1
    x.zero_()
    assert mnist('train')[0].max() == 1  # what was given is the caller's own
    train_x, train_y, valid_x, valid_y = mnist_sample()
    assert train_x.shape == (12_396, 784) and valid_y.shape == (2038, 1)
    assert train_y.sum() == 6131 and valid_y.sum() == 1010

def test_the_grid_goes_row_by_row():
    fig = show_images([torch.full((2, 2), float(i)) for i in range(5)], 2, titles='abcde')
    at = {ax.get_title(): ax.get_position() for ax in fig.axes if ax.get_title()}
    plt.close(fig)
    assert at['a'].x0 < at['b'].x0 < at['c'].x0 and at['d'].x0 == at['a'].x0
    assert at['a'].y0 == at['c'].y0 > at['d'].y0 == at['e'].y0

def test_ink_is_white():
    x = torch.zeros(4, 4)
    x[1, 2] = 0.5
    ax = show_image(x)
    shown = ax.images[0]
    assert shown.cmap(shown.norm(0.))[:3] == (0, 0, 0) and shown.cmap(shown.norm(0.5))[:3] == (1, 1, 1)
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, format='raw')
    plt.close(ax.figure)
