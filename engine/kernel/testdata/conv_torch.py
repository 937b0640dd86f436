"""Times PyTorch's convolutions of the layers in bench_train_test.go, forward and
both gradients, in milliseconds of wall clock and of processor time, the better of
two memory layouts:

    python3 testdata/conv_torch.py [threads] [name prefix]

First layers (3 input channels) have no data gradient, as in a network.
"""
import re, sys, time
import torch
import torch.nn.functional as F

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
prefix = sys.argv[2] if len(sys.argv) > 2 else ""
torch.set_num_threads(threads)
source = open(__file__.rsplit("/", 2)[0] + "/bench_train_test.go").read() if "/" in __file__ else open("../bench_train_test.go").read()
layers = re.findall(r'\{"([^"]+)", (\d+), (\d+), (\d+), (\d+), (\d+), (\d+)\}', source)
print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
print(f"{'layer':28} {'wall ms':>9} {'cpu ms':>9} layout")
for name, *numbers in layers:
    if not name.startswith(prefix):
        continue
    batch, size, cin, cout, k, s = map(int, numbers)
    best = None
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, cin, size, size).to(memory_format=layout).requires_grad_(cin != 3)
        w = torch.randn(cout, cin, k, k).to(memory_format=layout).requires_grad_()
        wall = cpu = 1e9
        dy = None
        for _ in range(5):
            x.grad = w.grad = None
            t, c = time.perf_counter(), time.process_time()
            y = F.conv2d(x, w, stride=s, padding=k // 2)
            t1, c1 = time.perf_counter() - t, time.process_time() - c
            if dy is None:
                dy = torch.randn_like(y)
            t, c = time.perf_counter(), time.process_time()
            y.backward(dy)
            wall = min(wall, t1 + time.perf_counter() - t)
            cpu = min(cpu, c1 + time.process_time() - c)
        if best is None or cpu < best[1]:
            best = wall, cpu, "nhwc" if layout == torch.channels_last else "nchw"
    print(f"{name:28} {1e3*best[0]:9.2f} {1e3*best[1]:9.2f} {best[2]}", flush=True)
