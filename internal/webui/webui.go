// Package webui holds the look of every page that Lethe makes: one style
// sheet, one script, and the template of the report. The static report and the
// live gallery use the same.
package webui

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
)

// CSS is the style sheet. Colors are custom properties on :root; dark mode and
// print replace them.
//
//go:embed style.css
var CSS string

// JS is the script: sorting and filtering of tables, and open details in
// print. Pages are complete without it.
//
//go:embed script.js
var JS string

// ReportTemplate is the report's page, for html/template.
//
//go:embed report.tmpl
var ReportTemplate string

// GalleryCSS is what the gallery's pages add to CSS.
//
//go:embed gallery.css
var GalleryCSS string

// GalleryJS is the script of the gallery's pages: keys, marks, more tiles, the
// brush. Filters and marks work without it.
//
//go:embed gallery.js
var GalleryJS string

// GalleryTemplates are the pages of the gallery, for html/template: "wall",
// "tiles", "example", "marks", "failure" and their parts.
//
//go:embed gallery.tmpl wall.tmpl example.tmpl marks.tmpl
var GalleryTemplates embed.FS

// Digest is the source expression that lets a content security policy accept
// exactly this inline style or script.
func Digest(inline string) string {
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is the content security policy of the report: nothing is loaded from
// anywhere, only the page's own style and script run. A live page may show the
// images of its own server.
func Policy(live bool) string {
	images := "data:"
	if live {
		images = "'self' data:"
	}
	return "default-src 'none'; style-src " + Digest(CSS) + "; script-src " + Digest(JS) + "; img-src " + images + "; base-uri 'none'; form-action 'none'"
}
