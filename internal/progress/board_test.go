package progress_test

import (
	"strings"
	"testing"

	"github.com/lethe-audit/lethe/internal/progress"
)

// Where there is no terminal a board writes a line for each job that is done.
func TestBoardWithoutTerminal(t *testing.T) {
	var out strings.Builder
	b := progress.NewBoard(&out, "all jobs")
	b.Start("train/dense/00")
	b.Set("train/dense/00", .5, "epoch 1")
	b.Total(.25, "0 of 2 jobs", "3 min left")
	b.Finish("train/dense/00", "6 min", "attempt 1 failed: loss is NaN")
	b.Finish("audit", "1 s", "")
	b.End()
	const want = "lethe: train/dense/00 done in 6 min; attempt 1 failed: loss is NaN\nlethe: audit done in 1 s\n"
	if out.String() != want {
		t.Errorf("got %q\nwant %q", out.String(), want)
	}
	var none *progress.Board
	none.Start("a")
	none.Set("a", 1, "")
	none.Total(1, "", "")
	none.Finish("a", "", "")
	none.End()
}
