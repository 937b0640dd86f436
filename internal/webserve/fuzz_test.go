package webserve

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// FuzzAdmit: only the token itself, or the cookie made from it, opens the door,
// however the header and the address are written.
func FuzzAdmit(f *testing.F) {
	const name = "lethe-1"
	f.Add("", "", "")
	f.Add("token="+url.QueryEscape(secretToken), "", "")
	f.Add("token=&token="+url.QueryEscape(secretToken), "Bearer x", "")
	f.Add("", "bearer  "+secretToken, "")
	f.Add("", "Basic x", name+"="+cookieValue(secretToken))
	f.Add("%zz;token=a", "Bearer", name+`="`+cookieValue(secretToken)+`"; `+name+"=")
	ts, err := newTokens(secretToken, []User{{"ann", "token-of-ann"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query, authorization, cookie string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", cookie)
		p := ts.admit(r, name)
		if !p.accepted {
			if p.name != "" {
				t.Errorf("refused, but called %q", p.name)
			}
			return
		}
		// Whatever was accepted contains a token or a cookie letter by letter.
		known := map[string]string{secretToken: "", "token-of-ann": "ann"}
		if token, ok := bearer(authorization); p.byQuery == "" && ok {
			if owner, ok := known[token]; !ok || owner != p.name {
				t.Errorf("bearer %q opened as %q", token, p.name)
			}
			return
		}
		if p.byQuery != "" {
			if owner, ok := known[r.URL.Query().Get(tokenParam)]; !ok || owner != p.name {
				t.Errorf("query %q opened as %q", query, p.name)
			}
			return
		}
		for _, c := range r.CookiesNamed(name) {
			for token, owner := range known {
				if c.Value == cookieValue(token) && owner == p.name {
					return
				}
			}
		}
		t.Errorf("cookie %q opened as %q", cookie, p.name)
	})
}

// FuzzWelcome: the address that a visitor is sent to is on this server and does
// not have the token.
func FuzzWelcome(f *testing.F) {
	for _, s := range []string{"/", "//evil.example", `/\evil.example`, "/wall?a=1&a=2", "/%2F%2fevil.example", "http://evil.example/", "/?a=%zz;b", "A:%0"} {
		f.Add(s)
	}
	s, err := Listen(Options{Token: secretToken})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		u.RawQuery += "&token=" + url.QueryEscape(secretToken)
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{"Accept": {"text/html"}, "Sec-Fetch-Site": {"none"}}}
		w := httptest.NewRecorder()
		if !s.welcome(w, r, secretToken) {
			t.Fatal("not sent on")
		}
		next, err := url.Parse(w.Header().Get("Location"))
		if err != nil || next.Host != "" || next.Scheme != "" || next.Query().Has(tokenParam) {
			t.Errorf("%q: sent to %q: %v", target, w.Header().Get("Location"), err)
		}
	})
}
