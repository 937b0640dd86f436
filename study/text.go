package study

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Text is one text in one or several languages, by language tag ("en",
// "pt-BR"). In YAML it is a plain string, then English, or a mapping.
type Text map[string]string

// UnmarshalYAML reads a string or a mapping from language to string.
func (t *Text) UnmarshalYAML(decode func(any) error) error {
	var one string
	if err := decode(&one); err == nil {
		*t = Text{"en": one}
		return nil
	}
	var many map[string]string
	if err := decode(&many); err != nil {
		return fmt.Errorf("want a text, or texts by language such as {en: Yes, de: Ja}")
	}
	*t = many
	return nil
}

// In is the text in a language, else in the first of the fallbacks that it has.
func (t Text) In(language string, fallbacks []string) string {
	if s, ok := t[language]; ok {
		return s
	}
	for _, l := range fallbacks {
		if s, ok := t[l]; ok {
			return s
		}
	}
	return ""
}

// languages are the language tags, English first, then sorted.
func (t Text) languages() []string {
	var out []string
	for l := range t {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "en":
			return -1
		case b == "en":
			return 1
		}
		return strings.Compare(a, b)
	})
	return out
}

// tag is what a language tag looks like (RFC 5646, the common part of it).
var tag = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$`)

// Negotiate is the language of those that are there which a browser's
// Accept-Language header asks for first; the first one if it asks for none of
// them. "de" serves "de-AT" and the reverse.
func Negotiate(header string, there []string) string {
	if len(there) == 0 {
		return ""
	}
	best, weight := there[0], 0.0
	for _, part := range strings.Split(header, ",") {
		name, rest, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.ReplaceAll(rest, " ", ""), "q="); ok {
			if _, err := fmt.Sscanf(v, "%g", &q); err != nil {
				continue
			}
		}
		if q <= weight {
			continue
		}
		for _, l := range there {
			if strings.EqualFold(primary(name), primary(l)) {
				best, weight = l, q
				break
			}
		}
	}
	return best
}

// primary is the language of a tag without region.
func primary(tag string) string {
	p, _, _ := strings.Cut(tag, "-")
	return p
}

// direction is how a language is written, for the attribute dir.
func direction(language string) string {
	switch strings.ToLower(primary(language)) {
	case "ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv":
		return "rtl"
	}
	return "ltr"
}
