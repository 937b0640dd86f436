package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lethe-audit/lethe/dataset"
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func noise(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// archive packs files as a .tar.gz.
func archive(t *testing.T, files map[string][]byte, more ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range more {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// site serves files and keeps the Range of each request. change, if set, may
// answer a request in its own way.
type site struct {
	*httptest.Server
	mu     sync.Mutex
	ranges []string
	change func(n int, w http.ResponseWriter, r *http.Request) (handled bool)
}

func serve(t *testing.T, files map[string][]byte) *site {
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n, change := len(s.ranges), s.change
		s.mu.Unlock()
		if change != nil && change(n, w, r) {
			return
		}
		data, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) asked() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.ranges, ",")
}

// sets are a data set in an archive and one of two plain files, and what a
// site must serve.
func sets(t *testing.T, s *site, files map[string][]byte) (packed, plain *dataset.KnownSet) {
	content := noise(200_000, 1)
	a, b := noise(5000, 2), noise(70_000, 3)
	files["set.tar.gz"] = archive(t, map[string][]byte{"set/data.bin": content, "set/readme.html": []byte("hello")},
		tar.Header{Name: "set/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, tar.Header{Name: "set/sub/", Typeflag: tar.TypeDir, Mode: 0o755})
	files["a.bin"], files["b.bin"] = a, b
	file := func(name string) dataset.KnownFile {
		return dataset.KnownFile{Name: name, Bytes: int64(len(files[name])), Digest: digest(files[name])}
	}
	get := func(name string, unpack bool) dataset.Download {
		return dataset.Download{URL: s.URL + "/" + name, Name: name, Bytes: int64(len(files[name])), Digest: digest(files[name]), Unpack: unpack}
	}
	packed = &dataset.KnownSet{Name: "packed", Title: "Packed", Source: "cifar10:DIR",
		Files:     []dataset.KnownFile{{Name: "data.bin", Bytes: int64(len(content)), Digest: digest(content)}},
		Downloads: []dataset.Download{get("set.tar.gz", true)}}
	plain = &dataset.KnownSet{Name: "plain", Source: "idx:DIR",
		Files: []dataset.KnownFile{file("a.bin"), file("b.bin")}, Downloads: []dataset.Download{get("a.bin", false), get("b.bin", false)}}
	return packed, plain
}

func quick() Options {
	o := DefaultOptions()
	o.Wait, o.Stall = time.Millisecond, 5*time.Second
	return o
}

// listing are the names below dir, hidden ones too.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestFetch(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	packed, plain := sets(t, s, files)
	for _, c := range []struct {
		set  *dataset.KnownSet
		want string
		gets int
	}{{packed, "set/data.bin set/readme.html", 1}, {plain, "a.bin b.bin", 2}} {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		var last int64
		o := quick()
		o.Progress = func(_ string, done, total int64) { last = total - done }
		r, err := Fetch(t.Context(), c.set, dir, o)
		if err != nil || r.Already || len(r.Fetched) != c.gets {
			t.Fatalf("%s: %+v, error %v", c.set.Name, r, err)
		}
		if got := listing(t, dir); got != c.want || last != 0 {
			t.Errorf("%s: files %s, want %s; %d bytes to go", c.set.Name, got, c.want, last)
		}
		before := s.asked()
		if r, err = Fetch(t.Context(), c.set, dir, o); err != nil || !r.Already || s.asked() != before {
			t.Errorf("%s again: %+v, error %v", c.set.Name, r, err)
		}
	}
}

// Only what is missing or wrong is fetched again.
func TestRepair(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	_, plain := sets(t, s, files)
	dir := t.TempDir()
	if _, err := Fetch(t.Context(), plain, dir, quick()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.bin"), files["b.bin"][:100], 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Fetch(t.Context(), plain, dir, quick())
	if err != nil || len(r.Fetched) != 1 || r.Fetched[0] != "b.bin" {
		t.Errorf("%+v, error %v", r, err)
	}
}

// A connection that breaks is taken up where it broke.
func TestResume(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	_, plain := sets(t, s, files)
	plain.Downloads, plain.Files = plain.Downloads[1:], plain.Files[1:]
	data := files["b.bin"]
	s.change = func(n int, w http.ResponseWriter, r *http.Request) bool {
		if n > 2 {
			return false
		}
		from := 0
		if n == 2 {
			from = 30_000
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
		if n == 2 {
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(data[from : from+30_000])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	if _, err := Fetch(t.Context(), plain, t.TempDir(), quick()); err != nil {
		t.Fatal(err)
	}
	if got := s.asked(); got != ",bytes=30000-,bytes=60000-" {
		t.Errorf("ranges asked for: %s", got)
	}
}

// An interrupted fetch leaves a part, and the next one goes on from it.
func TestResumeLater(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	packed, _ := sets(t, s, files)
	dir := t.TempDir()
	data := files["set.tar.gz"]
	ctx, cancel := context.WithCancel(t.Context())
	s.change = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:50_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return true
	}
	o := quick()
	o.Progress = func(_ string, done, _ int64) {
		if done == 50_000 {
			cancel()
		}
	}
	if _, err := Fetch(ctx, packed, dir, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("canceled: %v", err)
	}
	if got := listing(t, dir); got != ".set.tar.gz.part" {
		t.Errorf("left behind: %s", got)
	}
	s.change = nil
	if _, err := Fetch(t.Context(), packed, dir, quick()); err != nil {
		t.Fatal(err)
	}
	if got := s.asked(); got != ",bytes=50000-" {
		t.Errorf("ranges asked for: %s", got)
	}
	if got := listing(t, dir); got != "set/data.bin set/readme.html" {
		t.Errorf("files %s", got)
	}
}

// An old part of another file, one that is too long, and servers that know no
// ranges all end with the right file.
func TestOddParts(t *testing.T) {
	for name, c := range map[string]struct {
		part   func(data []byte) []byte
		change func(int, http.ResponseWriter, *http.Request) bool
		asked  string
	}{
		"other content":  {func([]byte) []byte { return noise(1000, 9) }, nil, "bytes=1000-,"},
		"too long":       {func(d []byte) []byte { return append(bytes.Clone(d), 1, 2, 3) }, nil, ""},
		"complete":       {func(d []byte) []byte { return d }, nil, ""},
		"damaged, whole": {func(d []byte) []byte { return noise(len(d), 9) }, nil, ""},
		"no ranges": {func(d []byte) []byte { return d[:1000] }, func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		}, "bytes=1000-"},
		"another range": {func(d []byte) []byte { return d[:1000] }, func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n > 1 {
				return false
			}
			w.Header().Set("Content-Range", "bytes 0-9/70000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(make([]byte, 10))
			return true
		}, "bytes=1000-,"},
		"not satisfiable": {func(d []byte) []byte { return d[:1000] }, func(n int, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			}
			return n == 1
		}, "bytes=1000-,"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			s := serve(t, files)
			_, plain := sets(t, s, files)
			plain.Downloads, plain.Files = plain.Downloads[1:], plain.Files[1:]
			s.change = c.change
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, ".b.bin.part"), c.part(files["b.bin"]), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Fetch(t.Context(), plain, dir, quick()); err != nil {
				t.Fatal(err)
			}
			if got := listing(t, dir); got != "b.bin" {
				t.Errorf("files %s", got)
			}
			if s.asked() != c.asked {
				t.Errorf("ranges asked for %q, want %q", s.asked(), c.asked)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(files map[string][]byte, set *dataset.KnownSet)
		change func(int, http.ResponseWriter, *http.Request) bool
		gets   int // requests made
		want   string
	}{
		"other content": {func(f map[string][]byte, _ *dataset.KnownSet) { f["set.tar.gz"][100] ^= 1 }, nil, 1, "not the published one"},
		"not found":     {func(f map[string][]byte, _ *dataset.KnownSet) { delete(f, "set.tar.gz") }, nil, 1, "404 Not Found"},
		"server down": {nil, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, 5, "503 Service Unavailable"},
		"shorter": {func(f map[string][]byte, _ *dataset.KnownSet) { f["set.tar.gz"] = f["set.tar.gz"][:1000] }, nil, 0, "set.tar.gz"},
		"an archive that leads out": {func(f map[string][]byte, set *dataset.KnownSet) {
			repack(t, f, set, map[string][]byte{"../../outside.bin": []byte("x")})
		}, nil, 1, `"../../outside.bin", outside its folder`},
		"an archive that fills the disk": {func(f map[string][]byte, set *dataset.KnownSet) {
			repack(t, f, set, map[string][]byte{"set/data.bin": make([]byte, 30<<20)})
		}, nil, 1, "unpacks to more"},
		"an archive of other files": {func(f map[string][]byte, set *dataset.KnownSet) {
			repack(t, f, set, map[string][]byte{"set/other.bin": []byte("x")})
		}, nil, 1, "not as published: data.bin"},
		"an empty archive": {func(f map[string][]byte, set *dataset.KnownSet) { repack(t, f, set, nil) }, nil, 1, "holds no files"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{}
			s := serve(t, files)
			packed, _ := sets(t, s, files)
			if c.spoil != nil {
				c.spoil(files, packed)
			}
			s.change = c.change
			dir := filepath.Join(t.TempDir(), "in")
			_, err := Fetch(t.Context(), packed, dir, quick())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if n := strings.Count(s.asked(), ",") + 1; c.gets > 0 && n != c.gets {
				t.Errorf("%d requests, want %d", n, c.gets)
			}
			if strings.Contains(listing(t, filepath.Dir(dir)), "outside.bin") || strings.Contains(listing(t, dir), "data.bin") {
				t.Errorf("files were put in place: %s", listing(t, filepath.Dir(dir)))
			}
		})
	}
}

func repack(t *testing.T, files map[string][]byte, set *dataset.KnownSet, content map[string][]byte) {
	files["set.tar.gz"] = archive(t, content)
	d := &set.Downloads[0]
	d.Bytes, d.Digest = int64(len(files["set.tar.gz"])), digest(files["set.tar.gz"])
}

// A server that goes silent is given up after a while.
func TestStall(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	packed, _ := sets(t, s, files)
	s.change = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}
	o := quick()
	o.Stall, o.Retries = 20*time.Millisecond, 1
	if _, err := Fetch(t.Context(), packed, t.TempDir(), o); !errors.Is(err, errStalled) {
		t.Errorf("error %v", err)
	}
}

func TestFrom(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	packed, plain := sets(t, s, files)
	shelf := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(shelf, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		set  *dataset.KnownSet
		from string
		want string // files, or the error
	}{
		{packed, shelf, "set/data.bin set/readme.html"},
		{packed, filepath.Join(shelf, "set.tar.gz"), "set/data.bin set/readme.html"},
		{packed, s.URL + "/", "set/data.bin set/readme.html"},
		{plain, shelf, "a.bin b.bin"},
		{plain, filepath.Join(shelf, "a.bin"), "give the folder"},
		{packed, filepath.Join(shelf, "a.bin"), "not the published one"},
		{packed, filepath.Join(shelf, "nowhere"), "no such file"},
		{packed, t.TempDir(), "no such file"},
	} {
		dir := t.TempDir()
		o := quick()
		o.From = c.from
		got := ""
		if _, err := Fetch(t.Context(), c.set, dir, o); err != nil {
			got = err.Error()
			if left := listing(t, dir); left != "" {
				t.Errorf("%s from %s: left behind %s", c.set.Name, c.from, left)
			}
		} else {
			got = listing(t, dir)
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s from %s: %s, want %s", c.set.Name, c.from, got, c.want)
		}
	}
	if asked := s.asked(); asked != "" {
		t.Errorf("ranges asked for: %s", asked)
	}
}

func TestByHand(t *testing.T) {
	set := &dataset.KnownSet{Name: "x", Source: "idx:DIR", Downloads: []dataset.Download{{URL: "http://h/x.gz", Name: "x.gz", Bytes: 12, Digest: "sha256:ab"}}}
	got := ByHand(set, "my data")
	for _, want := range []string{"  http://h/x.gz\n    12 bytes, sha256:ab\n", "lethe data fetch x -o 'my data' --from FOLDER\n", "lethe data check 'idx:my data'\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	manual := ByHand(&dataset.KnownSet{Name: "y", Title: "Y", Page: "http://h", Terms: "ask first", Source: "celeba:DIR", Manual: "tar -C DIR"}, "d")
	for _, want := range []string{"Terms: ask first", "tar -C d\n", "lethe data check celeba:d\n"} {
		if !strings.Contains(manual, want) {
			t.Errorf("%q is not in\n%s", want, manual)
		}
	}
}

// Without a network the error comes at once, not after all retries.
func TestNoNetwork(t *testing.T) {
	files := map[string][]byte{}
	s := serve(t, files)
	packed, _ := sets(t, s, files)
	s.Close()
	o := quick()
	o.Wait = time.Hour
	dir := t.TempDir()
	if _, err := Fetch(t.Context(), packed, dir, o); err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("error %v", err)
	}
}
