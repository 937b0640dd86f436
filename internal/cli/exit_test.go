package cli

import (
	"errors"
	"os/exec"
	"strconv"
)

// codeOf is the exit code that a command's error stands for.
func codeOf(err error) string {
	var e *exec.ExitError
	if errors.As(err, &e) {
		return strconv.Itoa(e.ExitCode())
	}
	return err.Error()
}
