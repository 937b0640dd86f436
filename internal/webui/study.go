package webui

import _ "embed"

// StudyTemplate are the pages of the human study, for html/template: "start"
// and "question".
//
//go:embed study.tmpl
var StudyTemplate string

// StudyJS are the keys of the study's pages and the saving of single answers.
// The pages work without it.
//
//go:embed study.js
var StudyJS string

// StudyCSS is what the study's pages have beside CSS.
//
//go:embed study.css
var StudyCSS string
