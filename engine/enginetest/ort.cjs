// Runs a model in ONNX Runtime. argv[2] is the folder that onnxruntime-node is
// installed in, argv[3] a job as JSON: {model, threads, optimize, inputs:
// [{name, type, dims, file}], batch, fused, outputs, warmup, runs}. Files hold
// raw little-endian elements. With batch, the first axis of all inputs is cut
// into pieces of so many and the outputs are joined; fused is the file for the
// optimized graph. The answer on stdout is {outputs: [{name, type,
// dims, file}], seconds: [one for each run], peak: bytes}.
'use strict';
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const arrays = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array, uint8: Uint8Array, int8: Int8Array,
  uint16: Uint16Array, int16: Int16Array, int32: Int32Array, uint32: Uint32Array,
  int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array,
};

// The largest resident memory of this process. resourceUsage would include the
// parent's before it started this one.
function peak() {
  const m = /VmHWM:\s*(\d+) kB/.exec(fs.readFileSync('/proc/self/status', 'utf8'));
  return m ? Number(m[1]) * 1024 : 0;
}

// Runs a job piece by piece.
async function batches(ort, session, job) {
  const rows = job.inputs[0].dims[0];
  const files = job.inputs.map((x) => fs.openSync(x.file, 'r'));
  const outputs = session.outputNames.map((name, i) => {
    const file = path.join(job.outputs, `out_${i}.bin`);
    return { name, type: '', dims: [], file, at: fs.openSync(file, 'w') };
  });
  const seconds = [];
  for (let row = 0; row < rows; row += job.batch) {
    const n = Math.min(job.batch, rows - row);
    const feeds = {};
    job.inputs.forEach((x, i) => {
      const dims = [n, ...x.dims.slice(1)];
      const data = new arrays[x.type](dims.reduce((a, b) => a * b, 1));
      fs.readSync(files[i], Buffer.from(data.buffer), 0, data.byteLength, row * (data.byteLength / n));
      feeds[x.name] = new ort.Tensor(x.type, data, dims);
    });
    const start = process.hrtime.bigint();
    const results = await session.run(feeds);
    seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    for (const o of outputs) {
      const t = results[o.name];
      fs.writeSync(o.at, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
      o.type = t.type;
      o.dims = [(o.dims[0] || 0) + t.dims[0], ...t.dims.slice(1)];
    }
  }
  return { outputs: outputs.map(({ name, type, dims, file }) => ({ name, type, dims, file })), seconds, peak: peak() };
}

async function main() {
  const load = createRequire(path.join(process.argv[2], 'package.json'));
  const ort = load('onnxruntime-node');
  const job = JSON.parse(process.argv[3]);
  const session = await ort.InferenceSession.create(job.model, {
    intraOpNumThreads: job.threads,
    interOpNumThreads: 1,
    executionProviders: ['cpu'],
    graphOptimizationLevel: job.optimize ? 'all' : 'disabled',
    logSeverityLevel: 3,
    ...(job.fused ? { optimizedModelFilePath: job.fused } : {}),
  });
  if (job.batch) {
    process.stdout.write(JSON.stringify(await batches(ort, session, job)));
    return;
  }
  const feeds = {};
  for (const x of job.inputs) {
    const raw = fs.readFileSync(x.file);
    const bytes = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length);
    feeds[x.name] = new ort.Tensor(x.type, new arrays[x.type](bytes), x.dims);
  }
  const seconds = [];
  let results;
  for (let i = -job.warmup; i < job.runs; i++) {
    const start = process.hrtime.bigint();
    results = await session.run(feeds);
    if (i >= 0) seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
  }
  const outputs = [];
  if (job.outputs) {
    session.outputNames.forEach((name, i) => {
      const t = results[name];
      const file = path.join(job.outputs, `out_${i}.bin`);
      fs.writeFileSync(file, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
      outputs.push({ name, type: t.type, dims: t.dims, file });
    });
  }
  process.stdout.write(JSON.stringify({ outputs, seconds, peak: peak() }));
}

main().catch((e) => {
  process.stderr.write(String(e && e.message || e));
  process.exit(1);
});
