package study

import _ "embed"

// Page explains the study's findings, in Markdown; its first line is
// "# study: " and one sentence.
//
//go:embed page.md
var Page string
