package webserve

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// page answers with what a handler sees of the request.
func page(w http.ResponseWriter, r *http.Request) {
	if _, err := io.ReadAll(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	fmt.Fprintf(w, "name=%q csrf=%q x=%q", Name(r), CSRF(r), r.PostForm.Get("x"))
}

// listen opens a server that the test closes.
func listen(t *testing.T, o Options) *Server {
	t.Helper()
	if o.Log == nil {
		o.Log = log.New(io.Discard, "", 0)
	}
	s, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// serve runs a server until the test ends.
func serve(t *testing.T, o Options, h http.HandlerFunc) *Server {
	t.Helper()
	s := listen(t, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

const secretToken = "correct horse; battery=staple"

// TestRefusals has a row for each thing that the guard looks at: a request that
// passes, and what makes it fail.
func TestRefusals(t *testing.T) {
	s := listen(t, Options{Token: secretToken, MaxBody: 100, Users: []User{{"ann", "token-of-ann"}}})
	h := s.Handler(http.HandlerFunc(page))
	cookie := s.cookieName() + "=" + cookieValue(secretToken)
	form := url.Values{csrfField: {s.CSRF()}, "x": {"1"}}.Encode()
	tests := []struct {
		name, method, target, body string
		header                     map[string]string // "" takes a header away
		status                     int
		contains                   string
	}{
		{"cookie", "GET", "/", "", nil, 200, `name=""`},
		{"cookie of a user", "GET", "/", "", map[string]string{"Cookie": s.cookieName() + "=" + cookieValue("token-of-ann")}, 200, `name="ann"`},
		{"two cookies", "GET", "/", "", map[string]string{"Cookie": s.cookieName() + "=old; " + cookie}, 200, "csrf"},
		{"bearer", "GET", "/", "", map[string]string{"Cookie": "", "Authorization": "Bearer " + secretToken}, 200, "csrf"},
		{"token", "GET", "/?token=" + url.QueryEscape(secretToken), "", map[string]string{"Cookie": ""}, 200, "csrf"},
		{"no token", "GET", "/", "", map[string]string{"Cookie": ""}, 401, "needs its token"},
		{"wrong token", "GET", "/?token=wrong", "", map[string]string{"Cookie": ""}, 401, "needs its token"},
		{"wrong token beside a good cookie", "GET", "/?token=wrong", "", nil, 401, "needs its token"},
		{"empty token", "GET", "/?token=", "", map[string]string{"Cookie": ""}, 401, "needs its token"},
		{"wrong bearer", "GET", "/", "", map[string]string{"Authorization": "Bearer wrong"}, 401, "needs its token"},
		{"wrong cookie", "GET", "/", "", map[string]string{"Cookie": s.cookieName() + "=" + secretToken}, 401, "needs its token"},
		{"cookie of another port", "GET", "/", "", map[string]string{"Cookie": "lethe-1=" + cookieValue(secretToken)}, 401, "needs its token"},

		{"localhost", "GET", "/", "", map[string]string{"Host": "localhost:1234"}, 200, ""},
		{"other loopback", "GET", "/", "", map[string]string{"Host": "[::1]:80"}, 200, ""},
		{"bare loopback", "GET", "/", "", map[string]string{"Host": "127.0.0.1"}, 200, ""},
		{"foreign host", "GET", "/", "", map[string]string{"Host": "evil.example:80"}, 421, "not called"},
		{"foreign address", "GET", "/", "", map[string]string{"Host": "192.0.2.1"}, 421, "not called"},
		{"host that begins like ours", "GET", "/", "", map[string]string{"Host": "localhost.evil.example"}, 421, "not called"},
		{"no host", "GET", "/", "", map[string]string{"Host": ""}, 421, "not called"},

		{"form", "POST", "/", form, nil, 200, `x="1"`},
		{"header", "POST", "/", "{}", map[string]string{csrfHeader: s.CSRF(), "Content-Type": "application/json"}, 200, ""},
		{"delete", "DELETE", "/", "", map[string]string{csrfHeader: s.CSRF()}, 200, ""},
		{"same origin", "POST", "/", form, map[string]string{"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 200, ""},
		{"same origin, older browser", "POST", "/", form, map[string]string{"Origin": "http://127.0.0.1"}, 200, ""},
		{"no csrf", "POST", "/", "x=1", nil, 403, "load the page again"},
		{"csrf in the address", "POST", "/?csrf=" + s.CSRF(), "x=1", nil, 403, "load the page again"},
		{"wrong csrf", "POST", "/", "csrf=wrong", nil, 403, "load the page again"},
		{"wrong csrf header", "POST", "/", form, map[string]string{csrfHeader: "wrong"}, 403, "load the page again"},
		{"delete without csrf", "DELETE", "/", "", nil, 403, "load the page again"},
		{"unknown method without csrf", "FROB", "/", "", nil, 403, "load the page again"},
		{"csrf without token", "POST", "/", form, map[string]string{"Cookie": ""}, 401, "needs its token"},
		{"broken form", "POST", "/", "csrf=%zz", nil, 400, "form cannot be read"},

		{"cross-site post", "POST", "/", form, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "another site"},
		{"post from another port", "POST", "/", form, map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "another site"},
		{"post of another origin", "POST", "/", form, map[string]string{"Origin": "http://evil.example"}, 403, "another site"},
		{"post of a hidden origin", "POST", "/", form, map[string]string{"Origin": "null"}, 403, "another site"},
		{"link elsewhere", "GET", "/", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200, ""},
		{"frame elsewhere", "GET", "/", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403, "not embed"},
		{"image elsewhere", "GET", "/", "", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403, "not embed"},

		{"large form", "POST", "/", form + "&y=" + strings.Repeat("y", 100), nil, 413, "100 bytes"},
		{"large form of unknown length", "POST", "/", form + "&y=" + strings.Repeat("y", 100), map[string]string{"Content-Length": "-1"}, 413, "100 bytes"},
		{"large body of unknown length", "POST", "/", strings.Repeat("y", 101), map[string]string{"Content-Length": "-1", csrfHeader: s.CSRF()}, 413, "too large"},
		{"largest body", "POST", "/", strings.Repeat("y", 100), map[string]string{"Content-Type": "text/plain", csrfHeader: s.CSRF()}, 200, ""},
		{"large body of a get", "GET", "/", strings.Repeat("y", 101), nil, 413, "100 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
			r.Host = "127.0.0.1"
			r.Header.Set("Cookie", cookie)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range test.header {
				switch {
				case k == "Host":
					r.Host = v
				case k == "Content-Length":
					r.ContentLength = -1
				case v == "":
					r.Header.Del(k)
				default:
					r.Header.Set(k, v)
				}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.contains) {
				t.Errorf("status %d %q, want %d %q", w.Code, w.Body, test.status, test.contains)
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Resource-Policy"} {
				if w.Header().Get(name) == "" {
					t.Errorf("no %s", name)
				}
			}
		})
	}
}

func TestListen(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{Listen: "0.0.0.0:0"}, "give a token"},
		{Options{Listen: ":0"}, "give a token"},
		{Options{Listen: "[::]:0"}, "give a token"},
		{Options{Listen: "8080"}, "want HOST:PORT"},
		{Options{Listen: "127.0.0.1:http8"}, "unknown port"},
		{Options{Listen: "192.0.2.1:0", Token: secretToken}, "bind"},
		{Options{Token: "short"}, "has 5 characters: at least 8"},
		{Options{Users: []User{{"ann", "short"}}}, `of "ann" has 5 characters`},
		{Options{Users: []User{{"ann", secretToken}}, Token: secretToken}, "somebody else's"},
		{Options{Users: []User{{"ann", secretToken}, {"ann", NewToken()}}}, "two users"},
		{Options{Users: []User{{"", secretToken}}}, "no name"},
	} {
		s, err := Listen(test.o)
		if err == nil {
			s.Close()
			t.Errorf("%+v: no error, want %q", test.o, test.want)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %q", test.o, err, test.want)
		}
	}
	first := listen(t, Options{})
	if _, err := Listen(Options{Listen: first.listener.Addr().String()}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second server on the same port: %v", err)
	}
}

func TestURLs(t *testing.T) {
	s := listen(t, Options{Listen: "localhost:0", Token: secretToken, Users: []User{{"ann", "token-of-ann"}}})
	for got, want := range map[string]string{
		s.Address(): "http://localhost:",
		s.URL():     "/?token=correct+horse%3B+battery%3Dstaple",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("address %s, want %s", got, want)
		}
	}
	if u, ok := s.UserURL("ann"); !ok || !strings.HasSuffix(u, "/?token=token-of-ann") {
		t.Errorf("ann: %s %v", u, ok)
	}
	if _, ok := s.UserURL("bob"); ok {
		t.Error("bob is known")
	}
	if s := listen(t, Options{}); s.URL() != s.Address() || !strings.HasPrefix(s.URL(), "http://127.0.0.1:") {
		t.Errorf("without a token: %s", s.URL())
	}
	all := listen(t, Options{Listen: "0.0.0.0:0", Token: secretToken, Hosts: []string{"Audit.example"}})
	if strings.Contains(all.Address(), "0.0.0.0") {
		t.Errorf("address %s cannot be opened", all.Address())
	}
	for host, want := range map[string]bool{"audit.example:80": true, "AUDIT.example.": true, "192.0.2.7:9": true, "other.example": false} {
		if all.knows(host) != want {
			t.Errorf("host %s: %v", host, !want)
		}
	}
}

// TestWelcome: what happens to a token in the address.
func TestWelcome(t *testing.T) {
	s := listen(t, Options{Token: secretToken})
	h := s.Handler(http.HandlerFunc(page))
	token := "token=" + url.QueryEscape(secretToken)
	for _, test := range []struct {
		target, accept, site string
		status               int
		location, contains   string
	}{
		{"/?" + token, "*/*", "", 200, "", "csrf"},
		{"/?" + token, "text/html,*/*", "none", 303, "/", ""},
		{"/wall?b=2&" + token + "&a=%3Cb%3E", "text/html", "same-origin", 303, "/wall?a=%3Cb%3E&b=2", ""},
		{"/wall?a=1&" + token, "text/html", "cross-site", 200, "", `content="0; url=/wall?a=1"`},
		{"/wall?a=%22%3E%3Cscript%3E&" + token, "text/html", "", 200, "", `url=/wall?a=%22%3E%3Cscript%3E"`},
		{"//evil.example/?" + token, "text/html", "none", 303, "/evil.example/", ""},
		{`/\evil.example/?` + token, "text/html", "none", 303, "/%5Cevil.example/", ""},
		{"http://evil.example/x?" + token, "text/html", "none", 303, "/x", ""},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		u, err := url.Parse(test.target)
		if strings.HasPrefix(test.target, "//") { // as the server reads it from the request line
			u, err = url.ParseRequestURI(test.target)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.Host = u, "127.0.0.1"
		r.Header.Set("Accept", test.accept)
		r.Header.Set("Sec-Fetch-Site", test.site)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || w.Header().Get("Location") != test.location || !strings.Contains(w.Body.String(), test.contains) {
			t.Errorf("%s: %d %q %s", test.target, w.Code, w.Header().Get("Location"), w.Body)
		}
		c := w.Result().Cookies()
		if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || strings.Contains(c[0].Value, "horse") {
			t.Errorf("%s: cookies %v", test.target, c)
		}
		if strings.Contains(w.Body.String()+w.Header().Get("Location"), "horse") {
			t.Errorf("%s: the token stays", test.target)
		}
	}
}

// TestBrowserVisit walks in by the printed address as a browser does, with a
// cookie jar, and changes something.
func TestBrowserVisit(t *testing.T) {
	s := serve(t, Options{Token: secretToken}, page)
	jar := &singleJar{}
	client := &http.Client{Jar: jar}
	r, _ := http.NewRequest("GET", s.URL(), nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if got := fetch(t, client, r); !strings.Contains(got, s.CSRF()) {
		t.Fatalf("first page: %s", got)
	}
	r, _ = http.NewRequest("POST", s.Address(), strings.NewReader(url.Values{"csrf": {s.CSRF()}, "x": {"7"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := fetch(t, client, r); !strings.Contains(got, `x="7"`) {
		t.Errorf("change: %s", got)
	}
}

type singleJar struct{ cookies []*http.Cookie }

func (j *singleJar) SetCookies(_ *url.URL, c []*http.Cookie) { j.cookies = c }
func (j *singleJar) Cookies(*url.URL) []*http.Cookie         { return j.cookies }

func fetch(t *testing.T, c *http.Client, r *http.Request) string {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSlowHeader: a client that sends its header byte by byte is dropped.
func TestSlowHeader(t *testing.T) {
	s := serve(t, Options{HeaderTimeout: 100 * time.Millisecond}, page)
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	go func() {
		for _, b := range []byte("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + strings.Repeat("x", 1000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, err := io.ReadAll(c)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		t.Fatalf("still connected after %v", time.Since(start))
	}
	if strings.Contains(string(b), "200 OK") {
		t.Errorf("answered %q", b)
	}
}

// TestSlowReader: a client that never reads a large answer is dropped.
func TestSlowReader(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, Options{WriteTimeout: 200 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		_, err := w.Write(make([]byte, 64<<20))
		ended <- err
	})
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	select {
	case err := <-ended:
		if err == nil {
			t.Error("64 MiB went to a client that reads nothing")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the handler still writes")
	}
}

// TestSteadyReader: an answer may take longer than WriteTimeout as long as it
// moves, also where the handler works for longer than that before it ends.
func TestSteadyReader(t *testing.T) {
	s := serve(t, Options{WriteTimeout: 200 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			time.Sleep(100 * time.Millisecond)
			fmt.Fprintln(w, "line")
		}
		time.Sleep(300 * time.Millisecond)
	})
	r, _ := http.NewRequest("GET", s.URL(), nil)
	if got := fetch(t, http.DefaultClient, r); got != strings.Repeat("line\n", 5) {
		t.Errorf("answer %q", got)
	}
}

func TestPanic(t *testing.T) {
	var logged strings.Builder
	s := serve(t, Options{Log: log.New(&logged, "", 0)}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			w.Write(make([]byte, 1<<20))
		}
		panic("broken")
	})
	resp, err := http.Get(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 500 || !strings.Contains(logged.String(), "broken") {
		t.Errorf("status %d, log %q", resp.StatusCode, logged.String())
	}
	resp, err = http.Get(s.URL() + "late")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("an answer that was cut short looks whole")
	}
}

// TestGrace: what is at work when the end is asked for may finish; Serve
// returns nil, and at the latest after the grace.
func TestGrace(t *testing.T) {
	for _, long := range []bool{false, true} {
		s := listen(t, Options{Grace: 300 * time.Millisecond})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		entered := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- s.Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(entered)
				select {
				case <-r.Context().Done():
				case <-time.After(map[bool]time.Duration{false: 100 * time.Millisecond, true: 20 * time.Second}[long]):
					io.WriteString(w, "whole")
				}
			}))
		}()
		got := make(chan string, 1)
		go func() {
			resp, err := http.Get(s.URL())
			if err != nil {
				got <- "error"
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			got <- string(b)
		}()
		<-entered
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if g := <-got; (g == "whole") == long {
			t.Errorf("long %v: answer %q", long, g)
		}
	}
}

func TestEndBeforeServe(t *testing.T) {
	s := listen(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Serve(ctx, http.NotFoundHandler()); err != nil {
		t.Error(err)
	}
	s = listen(t, Options{})
	s.Close()
	if err := s.Serve(context.Background(), http.NotFoundHandler()); err == nil {
		t.Error("a closed server serves")
	}
}

// TestTurns: no more requests are at work than allowed, others wait, and those
// who would wait too long are told.
func TestTurns(t *testing.T) {
	var now, most atomic.Int64
	release := make(chan struct{})
	s := serve(t, Options{MaxRequests: 3, Queue: 200 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		now.Add(-1)
	})
	status := make(chan int)
	for range 10 {
		go func() {
			resp, err := http.Get(s.URL())
			if err != nil {
				status <- 0
				return
			}
			resp.Body.Close()
			status <- resp.StatusCode
		}()
	}
	count := map[int]int{}
	for range 7 {
		count[<-status]++
	}
	close(release)
	for range 3 {
		count[<-status]++
	}
	if most.Load() != 3 || count[200] != 3 || count[503] != 7 {
		t.Errorf("%d at once, statuses %v", most.Load(), count)
	}
}

// TestConns: connections beyond the limit wait until another ends.
func TestConns(t *testing.T) {
	s := serve(t, Options{MaxConns: 1}, page)
	first, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	second, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	ask := func(c net.Conn, wait time.Duration) error {
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(wait))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	time.Sleep(100 * time.Millisecond) // the first is accepted
	if err := ask(second, 200*time.Millisecond); err == nil {
		t.Error("a second connection was served beside the first")
	}
	if err := ask(first, 10*time.Second); err != nil {
		t.Error(err)
	}
	_ = second.SetReadDeadline(time.Now().Add(10 * time.Second))
	if resp, err := http.ReadResponse(bufio.NewReader(second), nil); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}
