# SPDX-License-Identifier: MIT
"""A network of dense layers trained with torch.optim.Adadelta, a peer of `adadelta bench train`: see README.md beside this
file. Images lie in memory as floats; a batch is what an index picks; nothing stands between PyTorch and the data.

usage: peer_train.py THREADS VARIANT WIDTHS BATCH LR RHO EPS ROWS CHECKS FOLDER|-
"""
import os
import sys

from protocol import need, take_turns

threads, variant = int(sys.argv[1]), sys.argv[2]
widths = [int(width) for width in sys.argv[3].split(",")]
batch, rows, checks = (int(sys.argv[i]) for i in (4, 8, 9))
lr, rho, eps = (float(word) for word in sys.argv[5:8])
folder = sys.argv[10]

# Where PyTorch is built with OpenBLAS, that has threads of its own, and their number must be known before it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1" if "serial-blas" in variant else str(threads)
torch = need("torch")
torch.set_num_threads(threads)
torch.manual_seed(1)


def read(name, dtype, size):
    return torch.from_file(os.path.join(folder, name), size=size, dtype=dtype)


if folder == "-":  # random data and weights, to run it by hand
    images = torch.rand(rows, widths[0])
    labels = torch.randint(widths[-1], (rows,))
else:
    images = read("images", torch.uint8, rows * widths[0]).view(rows, widths[0]).float() / 255
    labels = read("labels", torch.int32, rows).long()
layers = []
for inputs, outputs in zip(widths, widths[1:]):
    layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
model = torch.nn.Sequential(*layers[:-1])
parameters = list(model.parameters())
if folder != "-":
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, values in zip(parameters, read("weights", torch.float32, sum(sizes)).split(sizes)):
        parameter.data.copy_(values.view_as(parameter))
optimizer = torch.optim.Adadelta(parameters, lr=lr, rho=rho, eps=eps, foreach="foreach" in variant)
cross_entropy = torch.nn.functional.cross_entropy


def train_batch(x, y):
    loss = cross_entropy(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss


def run(count):
    """So many batches of an order drawn anew, as an epoch is."""
    order = torch.randperm(rows)
    for i in range(count):
        at = i * batch % (rows - batch + 1)
        index = order[at:at + batch]
        train_batch(images[index], labels[index])


for i in range(checks):
    at = i * batch
    print(f"loss {train_batch(images[at:at + batch], labels[at:at + batch]).item():.9g}")
take_turns("PyTorch " + torch.__version__, run)
