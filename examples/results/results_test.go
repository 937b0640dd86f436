package main

import (
	"strings"
	"testing"
)

// What is not a table stays; what is asked for wrongly is refused.
func TestFill(t *testing.T) {
	doc := "a\n<!-- x classes -->\nkept\n<!-- end -->\n<!-- a comment of more words -->\nb\n"
	got, err := fill([]byte(doc), nil)
	if err != nil || string(got) != doc {
		t.Errorf("a document without named experiments became %q, %v", got, err)
	}
	for text, want := range map[string]string{
		"<!-- x classes -->\n":               "line 1: no <!-- end -->",
		"\n<!-- x nothing -->\n<!-- end -->": `line 2: no table is called "nothing"`,
	} {
		if _, err := fill([]byte(text), map[string]*audits{"x": {}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
