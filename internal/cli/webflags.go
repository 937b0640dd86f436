package cli

import (
	"fmt"
	"net/http"
	"os/exec"
	"runtime"

	"github.com/lethe-audit/lethe/dataset"
	"github.com/lethe-audit/lethe/internal/progress"
	"github.com/lethe-audit/lethe/internal/webserve"
	"github.com/spf13/cobra"
)

// webHandler is what a page's server is given.
type webHandler = http.Handler

// webFlags are the flags of commands that serve a page.
type webFlags struct{ address, token, open string }

func (f *webFlags) add(c *cobra.Command) {
	s := c.Flags()
	s.StringVar(&f.address, "listen", "127.0.0.1:0", "listen on `HOST:PORT`; port 0 takes a free one")
	s.StringVar(&f.token, "token", "", "ask everybody for this `TOKEN`; needed where other machines can reach the address")
	s.StringVar(&f.open, "open", openAuto, "open a browser: `WHEN` is yes, no, or auto (on a desktop's terminal)")
	_ = c.RegisterFlagCompletionFunc("open", cobra.FixedCompletions(openChoices(), cobra.ShellCompDirectiveNoFileComp))
}

const openAuto = "auto"

func openChoices() []string { return []string{openAuto, "yes", "no"} }

// listen checks the flags and opens the address.
func (f *webFlags) listen() (*webserve.Server, error) {
	known := false
	for _, c := range openChoices() {
		known = known || c == f.open
	}
	if !known {
		return nil, fmt.Errorf("--open %q%s", f.open, dataset.Suggestion(f.open, openChoices()))
	}
	o := webserve.DefaultOptions()
	o.Listen, o.Token = f.address, f.token
	return webserve.Listen(o)
}

// announce prints the address of a page, and opens a browser where the flags
// say so.
func (a *app) announce(what, url string, f *webFlags) error {
	if _, err := fmt.Fprintf(a.io.Out, "%s: %s\n", what, url); err != nil {
		return err
	}
	open := f.open == "yes"
	if f.open == openAuto {
		desktop := runtime.GOOS == "darwin" || runtime.GOOS == "windows" || a.io.Env("DISPLAY") != "" || a.io.Env("WAYLAND_DISPLAY") != ""
		open = desktop && progress.Terminal(a.io.Out)
	}
	if !open {
		a.log.Info("Ctrl-C ends it")
		return nil
	}
	if err := browse(url); err != nil {
		a.log.Warn(fmt.Sprintf("no browser was opened: %v", err))
	}
	a.log.Info("Ctrl-C ends it")
	return nil
}

// browse opens an address in the user's browser.
func browse(url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	c := exec.Command(name, args...)
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // how it ends is the browser's affair
	return nil
}
