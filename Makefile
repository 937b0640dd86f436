# make build build-ort demo test check check-long bench golden
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0

.PHONY: build build-ort demo results test check check-long bench golden fmt

build: ## the static binary, bin/lethe
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/lethe ./cmd/lethe

build-ort: ## bin/lethe-ort: the same program, able to load ONNX Runtime (doc/decisions/ort.md)
	$(GO) build -trimpath -tags ort -ldflags "-s -w -X main.version=$(VERSION)" -o bin/lethe-ort ./cmd/lethe

demo: build ## audits what our own pruned and quantized networks predicted for CIFAR-10
	bin/lethe audit examples/cifar10-resnet8/predictions --title "ResNet8 on CIFAR-10" -o out/demo --force

results: build ## writes the tables of doc/results.md again
	for mode in "" --paper; do bin/lethe audit examples/cifar10-resnet8/predictions --no-copy --quiet --force $$mode -o out/results$$mode >/dev/null || exit; done
	$(GO) run ./examples/results cifar10-resnet8=out/results,out/results--paper

test: ## all tests
	$(GO) test -timeout 20m ./...

check: ## exactly what CI runs
	bash scripts/check.sh

check-long: ## fuzzing of every parser and the long simulations
	bash scripts/check-long.sh

bench: build ## benchmarks and their yardsticks (bench/README.md)
	bash bench/run.sh

golden: ## rewrites golden files and transcripts
	$(GO) test $$(git grep -l 'lethe/internal/golden"' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|') -timeout 60m -update

fmt:
	gofmt -w $$(git ls-files '*.go')
