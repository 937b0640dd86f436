// Package browsertest drives Chromium through pages of ours in tests: it
// opens them at the size of a desktop or a phone, in light or dark, clicks and
// types as a person does, audits them for accessibility with axe-core, and
// keeps screenshots.
//
// It needs a Chromium, Debian's package "chromium" or the program that
// LETHE_CHROMIUM names, and for [Page.Audit] axe-core, which scripts/axe.sh
// installs. Where one is absent the test is skipped with a message, or fails if
// LETHE_BROWSER_REQUIRED is 1.
//
// A page that logs an error, breaks its content security policy or asks any
// other host than its own for anything fails its test.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The environment variables that the package reads.
const (
	ChromiumEnv    = "LETHE_CHROMIUM"         // the browser; default: chromium on the path
	AxeEnv         = "LETHE_AXE"              // axe.min.js; default: out/node_modules/axe-core/axe.min.js of the module
	ScreenshotsEnv = "LETHE_SCREENSHOTS"      // folder; default: out/screenshots of the module
	RequiredEnv    = "LETHE_BROWSER_REQUIRED" // 1: fail where the browser or axe-core is absent
)

// patience is how long one action on a page may take. Machines that build and
// test at once are slow.
const patience = 30 * time.Second

// Window is the window that a page is opened in.
type Window struct {
	Width, Height int // CSS pixels
	Dark          bool
	Mobile        bool // a touch screen
}

// Desktop is a window 1280 pixels wide.
func Desktop() Window { return Window{Width: 1280, Height: 900} }

// Phone is a window as wide as common phones.
func Phone() Window { return Window{Width: 390, Height: 844, Mobile: true} }

// InDark is the window in dark mode.
func (w Window) InDark() Window { w.Dark = true; return w }

// Name is a short name of the window for tests and pictures: "desktop-light".
func (w Window) Name() string {
	name := "desktop"
	if w.Mobile {
		name = "phone"
	}
	if w.Dark {
		return name + "-dark"
	}
	return name + "-light"
}

// Windows are the four in which every page has to work.
func Windows() []Window {
	return []Window{Desktop(), Desktop().InDark(), Phone(), Phone().InDark()}
}

// Browser is a running Chromium with a profile of its own.
type Browser struct{ ctx context.Context }

// Start starts a browser that ends with the test. Without a Chromium the test
// is skipped.
func Start(tb testing.TB) *Browser {
	tb.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(Chromium(tb)),
		chromedp.UserDataDir(tb.TempDir()),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.DisableGPU,
		chromedp.NoSandbox, // tests run as root in containers, and open pages of ours only
		chromedp.WSURLReadTimeout(patience),
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-dev-shm-usage", "disable-extensions", "disable-breakpad", "hide-scrollbars", "mute-audio",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tb.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(func(string, ...any) {}))
	tb.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("browsertest: start chromium: %v", err)
	}
	return &Browser{ctx}
}

// Chromium is the path of the browser; the test is skipped where there is
// none.
func Chromium(tb testing.TB) string {
	tb.Helper()
	name := os.Getenv(ChromiumEnv)
	if name == "" {
		name = "chromium"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		absent(tb, "no Chromium: %v (apt-get install chromium, or set %s)", err, ChromiumEnv)
	}
	return path
}

// axe is the path of axe-core.
func axe(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv(AxeEnv)
	if path == "" {
		path = filepath.Join(root(), "out", "node_modules", "axe-core", "axe.min.js")
	}
	if _, err := os.Stat(path); err != nil {
		absent(tb, "no axe-core: %v (bash scripts/axe.sh, or set %s)", err, AxeEnv)
	}
	return path
}

func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv(RequiredEnv) == "1" {
		tb.Fatalf("browsertest: "+format, args...)
	}
	tb.Skipf("browsertest: "+format, args...)
}

// root is the folder of the module.
func root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}
