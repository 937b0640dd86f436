package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lethe-audit/lethe/report"
	"github.com/lethe-audit/lethe/study"
)

// withStudies adds the findings of closed studies to what h is given.
func withStudies(h report.Handler, dirs []string) (report.Handler, error) {
	if len(dirs) == 0 {
		return h, nil
	}
	var studies []*report.Collector
	for _, dir := range dirs {
		c, err := readStudy(dir)
		if err != nil {
			return nil, err
		}
		studies = append(studies, c)
	}
	return report.WithStudies(h, studies...), nil
}

// readStudy reads the findings of a study's folder, or of a file of them.
func readStudy(path string) (*report.Collector, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		dir := path
		path = filepath.Join(dir, study.FindingsFile)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: the study is not closed; see: lethe study close %s", err, dir)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var c report.Collector
	if err := report.Replay(bufio.NewReader(f), &c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &c, nil
}
