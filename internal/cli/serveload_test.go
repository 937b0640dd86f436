package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/gallery/mark"
)

// servedProcess is "lethe serve" as a process of its own.
type servedProcess struct {
	cmd  *exec.Cmd
	url  string
	csrf string
	err  bytes.Buffer
}

// startServe serves the audit in dir; this test's binary is lethe under that name.
func startServe(t *testing.T, dir string) *servedProcess {
	t.Helper()
	bin := filepath.Join(dir, "lethe")
	if _, err := os.Lstat(bin); err != nil {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(self, bin); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	p := &servedProcess{cmd: exec.Command(bin, "--quiet", "serve", "audit", "--data", "cifar10:cifar-10-batches-bin", "--open", "no", "--by", "ann", "--cache", "thumbs")}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.err
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	_, address, ok := strings.Cut(strings.TrimSpace(line), ": ")
	if err != nil || !ok {
		p.kill()
		t.Fatalf("lethe serve printed %q, %v\n%s", line, err, &p.err)
	}
	p.url = strings.TrimSuffix(address, "/")
	page, err := p.get(http.DefaultClient, "/wall")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`name="csrf" content="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no token for changes in %.300s", page)
	}
	p.csrf = m[1]
	return p
}

// kill ends the process as a crash would, and waits for its end.
func (p *servedProcess) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

func answerOf(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.200s", resp.Request.Method, resp.Request.URL, resp.Status, b)
	}
	return string(b), err
}

func (p *servedProcess) get(c *http.Client, path string) (string, error) {
	return answerOf(c.Get(p.url + path))
}

// mark marks an example and returns when the server says that it is saved.
func (p *servedProcess) mark(c *http.Client, id, verdict, note string) error {
	form := url.Values{"id": {id}, "verdict": {verdict}, "note": {note}, "csrf": {p.csrf}}
	r, err := http.NewRequest(http.MethodPost, p.url+"/mark", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	_, err = answerOf(c.Do(r))
	return err
}

// servedAudit is a folder with an audit of 200 images.
func servedAudit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	fixture(t, dir)
	must(t, dir, "compare", "fp32.onnx", "int8=model-int8.onnx", "--data", "cifar10:cifar-10-batches-bin", "-o", "audit")
	return dir
}

// TestServeKilled kills the gallery while people mark, again and again: every
// mark that a page called saved is there afterwards, in the list and on the
// page of the next server, which nothing keeps from starting.
func TestServeKilled(t *testing.T) {
	dir := servedAudit(t)
	rng := rand.New(rand.NewPCG(5, 6))
	want, total := map[string]string{}, 0 // note by id; each id is marked by one client
	for round := range 4 {
		p := startServe(t, dir)
		var mu sync.Mutex
		var g sync.WaitGroup
		saved := map[string]string{}
		for k := range 3 {
			g.Go(func() {
				for n := 0; ; n++ {
					id, note := fmt.Sprintf("test/%05d", 3*(n%20)+k), fmt.Sprintf("round %d, %d", round, n)
					if p.mark(http.DefaultClient, id, "confirmed", note) != nil {
						return // killed
					}
					mu.Lock()
					saved[id] = note
					mu.Unlock()
				}
			})
		}
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			n := len(saved)
			mu.Unlock()
			if n >= 5+rng.IntN(30) {
				break
			}
		}
		p.kill()
		g.Wait()
		for id, note := range saved {
			want[id] = note
		}
		total += len(saved)
		marks, err := mark.Read(filepath.Join(dir, "audit", mark.FileName))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, m := range marks {
			got[string(m.ID)] = m.Note
		}
		for id, note := range want {
			// The last request may have been saved without an answer.
			if got[id] != note && !newer(got[id], note) {
				t.Errorf("round %d: %s has %q, %q was saved", round, id, got[id], note)
			}
		}
		want = got
	}
	if total < 20 {
		t.Errorf("only %d marks were saved", total)
	}
	p := startServe(t, dir)
	page, err := p.get(http.DefaultClient, "/marks")
	if err != nil {
		t.Fatal(err)
	}
	for id, note := range want {
		if !strings.Contains(page, id) || !strings.Contains(page, note) {
			t.Errorf("after a new start the page lacks %s: %s", id, note)
		}
	}
}

// newer says that note a was written after b.
func newer(a, b string) bool {
	var ar, an, br, bn int
	if _, err := fmt.Sscanf(a, "round %d, %d", &ar, &an); err != nil {
		return false
	}
	if _, err := fmt.Sscanf(b, "round %d, %d", &br, &bn); err != nil {
		return false
	}
	return ar > br || ar == br && an > bn
}

// TestServeThousand: a thousand people at once look at walls, examples and
// pictures and mark; all are answered, the process stays small and goes on.
func TestServeThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute on a busy machine")
	}
	dir := servedAudit(t)
	p := startServe(t, dir)
	const clients = 1000
	failed := make(chan error, clients)
	var g sync.WaitGroup
	start := make(chan struct{})
	for k := range clients {
		g.Go(func() {
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			c := &http.Client{Transport: tr, Timeout: 4 * time.Minute}
			<-start
			id := fmt.Sprintf("test/%05d", k%200)
			var err error
			switch k % 4 {
			case 0:
				_, err = p.get(c, "/wall?truth="+[]string{"airplane", "cat", "ship"}[k%3])
			case 1:
				_, err = p.get(c, "/example?variant=int8&id="+url.QueryEscape(id))
			case 2:
				_, err = p.get(c, "/thumb?id="+url.QueryEscape(id))
			case 3:
				err = p.mark(c, id, "ambiguous", fmt.Sprint(k))
			}
			if err != nil {
				failed <- err
			}
		})
	}
	close(start)
	g.Wait()
	close(failed)
	for err := range failed {
		t.Fatalf("%d of %d failed, the first: %v", len(failed)+1, clients, err)
	}
	if marks, err := mark.Read(filepath.Join(dir, "audit", mark.FileName)); err != nil || len(marks) != 50 {
		t.Errorf("%d marks, want 50: %v", len(marks), err) // every fourth of 200 examples, five times
	}
	if _, err := p.get(http.DefaultClient, "/wall"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if runtime.GOOS == "linux" {
		peak := peakMiB(t, p.cmd.Process.Pid)
		t.Logf("peak resident memory of the server: %d MiB", peak)
		if peak > 256 {
			t.Errorf("the server took %d MiB", peak)
		}
	}
}

// peakMiB is the largest resident memory that a process had.
func peakMiB(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(b)
	if m == nil {
		t.Skip("the system does not tell the peak of memory")
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb >> 10
}
