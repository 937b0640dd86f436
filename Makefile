# make build build-ort demo test check check-long bench golden
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0

.PHONY: build build-ort demo test check check-long bench golden fmt

build: ## the static binary, bin/lethe
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/lethe ./cmd/lethe

build-ort: ## bin/lethe-ort: the same program, able to load ONNX Runtime (doc/decisions/ort.md)
	$(GO) build -trimpath -tags ort -ldflags "-s -w -X main.version=$(VERSION)" -o bin/lethe-ort ./cmd/lethe

demo: build ## audits planted predictions: what was planted, what was found, where the report is
	bin/lethe demo -o out/demo --force

test: ## all tests
	$(GO) test ./...

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
