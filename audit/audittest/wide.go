package audittest

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/lethe-audit/lethe/prediction"
)

// Wide reads a small table of real predictions: CSV with a column "label" and,
// for each model m, columns m_pred and m_conf. Each population is a list of
// models; the first is the baseline. It is no importer: it knows this one
// layout and ten classes.
func Wide(r io.Reader, names []string, populations [][]string) (*prediction.Table, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("audittest: %w", err)
	}
	column := map[string]int{}
	for j, name := range rows[0] {
		column[name] = j
	}
	rows = rows[1:]
	const classes = 10
	classOf := func(name string) (prediction.Column, error) {
		out := prediction.NewColumn(len(rows), classes)
		j, ok := column[name]
		for i, row := range rows {
			c, err := strconv.Atoi(row[j])
			if !ok || err != nil || c < 0 || c >= classes {
				return out, fmt.Errorf("audittest: row %d, column %s: no class number", i, name)
			}
			out.Set(i, c)
		}
		return out, nil
	}
	t := &prediction.Table{}
	for c := range classes {
		t.Classes = append(t.Classes, fmt.Sprint(c))
	}
	if t.Labels, err = classOf("label"); err != nil {
		return nil, err
	}
	for v, models := range populations {
		variant := prediction.Variant{Name: names[v]}
		for _, model := range models {
			m := prediction.Member{Name: model}
			if m.Predicted, err = classOf(model + "_pred"); err != nil {
				return nil, err
			}
			for _, row := range rows {
				x, err := strconv.ParseFloat(row[column[model+"_conf"]], 32)
				if err != nil {
					return nil, fmt.Errorf("audittest: %w", err)
				}
				m.Confidence = append(m.Confidence, float32(x))
			}
			variant.Members = append(variant.Members, m)
		}
		t.Variants = append(t.Variants, variant)
	}
	return t, nil
}
