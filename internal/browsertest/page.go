package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is a page in a tab of its own.
type Page struct {
	tb     testing.TB
	ctx    context.Context
	window Window
	origin string

	mu       sync.Mutex
	trouble  []string // what the page did wrong, see the package comment
	expected []string // parts of messages that are no trouble
}

// Open starts a browser and opens one page.
func Open(tb testing.TB, address string, w Window) *Page {
	tb.Helper()
	return Start(tb).Open(tb, address, w)
}

// Open opens a page in a tab of its own, which shares the cookies of the
// browser's others. It returns once the page has loaded.
func (b *Browser) Open(tb testing.TB, address string, w Window) *Page {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	tb.Cleanup(cancel)
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatalf("browsertest: %v", err)
	}
	p := &Page{tb: tb, ctx: ctx, window: w, origin: u.Scheme + "://" + u.Host}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		tb.Fatalf("browsertest: open a tab: %v", err)
	}
	scheme := "light"
	if w.Dark {
		scheme = "dark"
	}
	p.run("set the window",
		call(network.Enable, network.EnableParams{}),
		call(log.Enable, cdp.Empty{}),
		call(cdpruntime.Enable, cdp.Empty{}),
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(w.Width), Height: int64(w.Height), DeviceScaleFactor: 1, Mobile: w.Mobile}),
		call(emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: w.Mobile}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}))
	p.Goto(address)
	tb.Cleanup(p.complain)
	return p
}

// call is a command of the protocol as a step.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// listen collects what the page does wrong.
func (p *Page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *cdpruntime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		p.trouble = append(p.trouble, "exception: "+text)
	case *cdpruntime.EventConsoleAPICalled:
		if e.Type == cdpruntime.ConsoleAPICalledTypeError {
			p.trouble = append(p.trouble, fmt.Sprintf("console.error: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.trouble = append(p.trouble, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventRequestWillBeSent:
		u := e.Request.URL
		if !strings.HasPrefix(u, p.origin+"/") && u != p.origin && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "file:") && !strings.HasPrefix(u, "blob:") {
			p.trouble = append(p.trouble, "asked another host: "+u)
		}
	}
}

// Expect says that messages with this part are no trouble, such as a refusal
// that the test provokes.
func (p *Page) Expect(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, part)
}

// Trouble is what the page did wrong so far.
func (p *Page) Trouble() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, s := range p.trouble {
		fine := false
		for _, e := range p.expected {
			fine = fine || strings.Contains(s, e)
		}
		if !fine {
			out = append(out, s)
		}
	}
	return out
}

func (p *Page) complain() {
	for _, s := range p.Trouble() {
		p.tb.Errorf("browsertest: %s: %s", p.window.Name(), s)
	}
}

// run does actions, all within the patience.
func (p *Page) run(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.failed(what, err)
	}
}

func (p *Page) failed(what string, err error) {
	p.tb.Helper()
	p.mu.Lock()
	trouble := strings.Join(p.trouble, "; ")
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	if png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		_, _ = keep("failed-"+p.tb.Name()+"-"+p.window.Name(), png)
	}
	p.tb.Fatalf("browsertest: %s at %s (%s): %v; trouble: %s", what, at, p.window.Name(), err, trouble)
}

// get does an action that returns a value, within the patience.
func get[T any](p *Page, what string, a chromedp.Action[T]) T {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, a)
	if err != nil {
		p.failed(what, err)
	}
	return out
}

// Goto loads an address.
func (p *Page) Goto(address string) {
	p.tb.Helper()
	p.run("open "+address, chromedp.Navigate(address))
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.tb.Helper()
	p.run("reload", chromedp.Reload())
}

// URL is the page's address.
func (p *Page) URL() string {
	p.tb.Helper()
	return get(p, "ask for the address", chromedp.Location())
}

// Click clicks the first element that a CSS selector names, once it can be
// seen.
func (p *Page) Click(selector string) {
	p.tb.Helper()
	p.run("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Follow clicks and waits until the page that the click leads to has loaded.
func (p *Page) Follow(selector string) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		p.failed("follow "+selector, err)
	}
}

// Type types text into the element.
func (p *Page) Type(selector, text string) {
	p.tb.Helper()
	p.run("type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

// Press presses keys on whatever has the focus; special keys are those of
// chromedp/kb.
func (p *Page) Press(keys string) {
	p.tb.Helper()
	p.run(fmt.Sprintf("press %q", keys), chromedp.KeyEvent(keys))
}

// Wait waits until an element can be seen.
func (p *Page) Wait(selector string) {
	p.tb.Helper()
	p.run("wait for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Until waits until a JavaScript expression is true.
func (p *Page) Until(expression string) {
	p.tb.Helper()
	get(p, "wait until "+expression, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(patience)))
}

// Text is the visible text of the first element.
func (p *Page) Text(selector string) string {
	p.tb.Helper()
	return strings.TrimSpace(get(p, "read "+selector, chromedp.Text(chromedp.CSS(selector))))
}

// Count is how many elements there are.
func (p *Page) Count(selector string) int {
	p.tb.Helper()
	var out int
	name, _ := json.Marshal(selector)
	p.Eval(fmt.Sprintf("document.querySelectorAll(%s).length", name), &out)
	return out
}

// Eval evaluates JavaScript; promises are awaited, and the value is decoded
// into out, which may be nil.
func (p *Page) Eval(expression string, out any) {
	p.tb.Helper()
	raw := get(p, "evaluate "+expression[:min(len(expression), 80)], chromedp.Evaluate[[]byte](expression, chromedp.EvalAwaitPromise))
	if out == nil {
		return
	}
	if err := json.Unmarshal(raw, out); err != nil {
		p.tb.Fatalf("browsertest: the value of %.80s is %s: %v", expression, raw, err)
	}
}

// Fits fails the test if the page is wider than its window.
func (p *Page) Fits() {
	p.tb.Helper()
	var wide string
	p.Eval(`(function () {
		var limit = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= limit) { return ""; }
		var worst = "", most = limit;
		document.querySelectorAll("body *").forEach(function (e) {
			var r = e.getBoundingClientRect().right;
			if (r > most) { most = r; worst = e.tagName.toLowerCase() + "." + e.getAttribute("class"); }
		});
		return document.documentElement.scrollWidth + " px in a window of " + limit + "; widest: " + worst;
	})()`, &wide)
	if wide != "" {
		p.tb.Errorf("browsertest: %s: the page is wider than its window: %s", p.window.Name(), wide)
	}
}

// Screenshot keeps a picture of the window as name-WINDOW.png in the folder of
// screenshots and returns its path.
func (p *Page) Screenshot(name string) string {
	p.tb.Helper()
	return p.keep(name, get(p, "take a screenshot", chromedp.CaptureScreenshot()))
}

// FullScreenshot keeps a picture of the whole page.
func (p *Page) FullScreenshot(name string) string {
	p.tb.Helper()
	return p.keep(name, get(p, "take a screenshot", chromedp.FullScreenshot(100)))
}

func (p *Page) keep(name string, png []byte) string {
	p.tb.Helper()
	path, err := keep(name+"-"+p.window.Name(), png)
	if err != nil {
		p.tb.Fatalf("browsertest: keep a screenshot: %v", err)
	}
	return path
}

// keep writes a picture into the folder of screenshots.
func keep(name string, png []byte) (string, error) {
	dir := os.Getenv(ScreenshotsEnv)
	if dir == "" {
		dir = filepath.Join(root(), "out", "screenshots")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "-").Replace(name)+".png")
	return path, os.WriteFile(path, png, 0o644)
}
