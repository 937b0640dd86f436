#!/usr/bin/python3
# Debian's python3-torch 1.13: ten steps of torch.optim on four weights with
# fixed gradients. Run: /usr/bin/python3 optimizers.py > optimizers.csv
import torch

print("name,momentum,nesterov,decay,rate,step,w0,w1,w2,w3")
start = [0.5, -1.25, 0.0, 2.0]
for name, momentum, nesterov, decay in [("sgd", 0, False, 0), ("sgd", 0.9, False, 5e-4), ("sgd", 0.9, True, 5e-4),
                                        ("adamw", 0, False, 0), ("adamw", 0, False, 0.05)]:
    w = torch.tensor(start, requires_grad=True)
    rate = 0.1 if name == "sgd" else 0.01
    if name == "sgd":
        o = torch.optim.SGD([w], lr=rate, momentum=momentum, nesterov=nesterov, weight_decay=decay)
    else:
        o = torch.optim.AdamW([w], lr=rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
    for step in range(10):
        # exact in float32, and the same formula in the test
        w.grad = torch.tensor([((step * 7 + i * 5) % 11 - 5) / 8 for i in range(4)])
        o.step()
        print(",".join([name, repr(momentum), str(nesterov).lower(), repr(decay), repr(rate), str(step)] + [repr(v) for v in w.tolist()]))
