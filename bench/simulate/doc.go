// Command simulate is the study of the audit's own error rates: it plants
// effects in simulated predictions, runs the audit's real code on them, and
// counts how often it is right. The criteria are those of the method, section
// 3.11; --write brings the tables of doc/simulation.md and doc/gate.md up to date.
//
//	go run ./bench/simulate --seeds 1000 --mode all --state out/simulate.json --write doc/simulation.md
//	go run ./bench/simulate --seeds 1000 --mode gate --write doc/gate.md
//	go run ./bench/simulate --quick --mode paired
//
// A scenario is one specification of planted predictions. Each seed draws a
// table, audits it, and gives a few numbers, which are summed in chunks of 50
// seeds; chunks are kept in the state file, so that a study that was stopped
// goes on where it was, and --first lets several machines share the seeds.
// The same seeds give the same table at any number of threads.
package main
