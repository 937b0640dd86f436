package webserve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

const (
	tokenParam = "token"
	minToken   = 8
)

// NewToken is a random token of 26 letters and digits (at least 128 bits).
func NewToken() string { return rand.Text() }

// secret is what is kept of a token: its digest, and the cookie that stands for
// it. Digests make the comparison's time independent of length and content.
type secret struct {
	name   string
	digest [sha256.Size]byte
	cookie [sha256.Size]byte
}

// tokens are all that open the door; none means that it is open.
type tokens []secret

func newTokens(token string, users []User) (tokens, error) {
	var ts tokens
	add := func(who string, u User) error {
		if len(u.Token) < minToken {
			return fmt.Errorf("webserve: the token%s has %d characters: at least %d are needed", who, len(u.Token), minToken)
		}
		s := secret{u.Name, sha256.Sum256([]byte(u.Token)), sha256.Sum256([]byte(cookieValue(u.Token)))}
		for _, t := range ts {
			if t.digest == s.digest {
				return fmt.Errorf("webserve: the token%s is somebody else's too", who)
			}
			if t.name == s.name {
				return fmt.Errorf("webserve: two users are called %q", u.Name)
			}
		}
		ts = append(ts, s)
		return nil
	}
	if token != "" {
		if err := add("", User{Token: token}); err != nil {
			return nil, err
		}
	}
	for _, u := range users {
		if u.Name == "" {
			return nil, fmt.Errorf("webserve: a user has no name")
		}
		if err := add(fmt.Sprintf(" of %q", u.Name), u); err != nil {
			return nil, err
		}
	}
	return ts, nil
}

// cookieValue stands for a token in a cookie: it survives a restart with the
// same token, is made of characters that cookies may have, and does not tell
// the token to other servers on this host, to which browsers send it too
// (cookies know no ports).
func cookieValue(token string) string {
	m := hmac.New(sha256.New, []byte(token))
	m.Write([]byte("lethe webserve cookie 1"))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// find is the owner of a token or, with cookie true, of a cookie's value. It
// compares with all of them, in constant time.
func (ts tokens) find(value string, cookie bool) (name string, ok bool) {
	d := sha256.Sum256([]byte(value))
	for i := range ts {
		want := ts[i].digest
		if cookie {
			want = ts[i].cookie
		}
		if subtle.ConstantTimeCompare(d[:], want[:]) == 1 {
			name, ok = ts[i].name, true
		}
	}
	return name, ok
}

// pass is how a request came in.
type pass struct {
	name     string
	byQuery  string // the token in the address, "" if it came otherwise
	accepted bool
}

// admit looks for a token: in the address, then as a bearer, then in the
// cookie. A wrong one in the address or as a bearer is refused even if the
// cookie is right, so that a stale link does not open somebody else's page.
func (ts tokens) admit(r *http.Request, cookie string) pass {
	if len(ts) == 0 {
		return pass{accepted: true}
	}
	if q := r.URL.Query(); q.Has(tokenParam) {
		t := q.Get(tokenParam)
		name, ok := ts.find(t, false)
		return pass{name, t, ok}
	}
	if t, ok := bearer(r.Header.Get("Authorization")); ok {
		name, ok := ts.find(t, false)
		return pass{name: name, accepted: ok}
	}
	for _, c := range r.CookiesNamed(cookie) {
		if name, ok := ts.find(c.Value, true); ok {
			return pass{name: name, accepted: true}
		}
	}
	return pass{}
}

// bearer is the token of an Authorization header (RFC 6750, section 2.1).
func bearer(header string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
