package html

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/lethe-audit/lethe/internal/num"
	"github.com/lethe-audit/lethe/report"
)

// specimens shows one example under corruptions, a row each, while there is room for
// their pictures.
func (r *renderer) specimens(out *strings.Builder, s *report.Specimens) {
	if r.o.Shifted == nil {
		return
	}
	clean := r.specimen(s.Example, "")
	fmt.Fprintf(out, `<div class="list" id="%s"><h4 class="table-title">%s</h4><div class="scroll" tabindex="0" role="region" aria-label="%s"><table><thead><tr><th scope="col">corruption</th><th scope="col">clean</th>`, esc(s.ID), esc(s.Title), esc(s.Title))
	for _, severity := range s.Cols {
		fmt.Fprintf(out, `<th scope="col">severity %s</th>`, esc(severity))
	}
	out.WriteString("</tr></thead><tbody>")
	spent, shown := 0, 0
	for _, row := range s.Rows {
		line := fmt.Sprintf(`<tr><th scope="row">%s</th><td>%s</td>`, esc(row.Corruption), clean)
		for _, shift := range row.Shifts {
			picture := ""
			if shift != "" {
				picture = r.specimen(s.Example, shift)
			}
			line += "<td>" + picture + "</td>"
		}
		if spent+len(line) > r.o.MaxBytes/8 {
			break
		}
		spent, shown = spent+len(line), shown+1
		out.WriteString(line + "</tr>")
	}
	out.WriteString("</tbody></table></div>")
	if n := len(s.Rows) - shown; n > 0 {
		fmt.Fprintf(out, `<p class="more">%s left out to keep this file small.</p>`, num.Plural(n, "corruption is", "corruptions are"))
	}
	out.WriteString("</div>")
}

// specimen is the picture of an example under a shift; empty where there is none.
func (r *renderer) specimen(id, shift string) string {
	b := r.o.Shifted(id, shift)
	kind := http.DetectContentType(b)
	if len(b) == 0 || !strings.HasPrefix(kind, "image/") {
		return ""
	}
	alt := id
	if shift != "" {
		alt += " under " + shift
	}
	return fmt.Sprintf(`<img class="thumb" alt="%s" title="%s" src="data:%s;base64,%s">`, esc(alt), esc(alt), kind, base64.StdEncoding.EncodeToString(b))
}
