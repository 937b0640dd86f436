package mark

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

const folderReadme = `A regression set: %d marked examples of an audit by lethe, with their given
classes. examples.csv keeps ids and class numbers, so that predictions on this
set stand beside the audit's (DIR is this folder):

    lethe predict MODEL... --data 'csv:DIR/examples.csv?classes=DIR/classes.txt'

Other tools read a folder for each class. marks.csv has verdicts and notes.
`

// folder writes one folder of images for each class, and a table of them for
// the data kind csv.
func (e *Export) folder(ctx context.Context, put put) (Summary, error) {
	var s Summary
	items, marks := e.items(Folder), []Mark{}
	folders, classNames, names := map[string]string{}, newNamer(), map[string]*namer{}
	for _, file := range []string{"examples.csv", "classes.txt", "marks.csv", "readme.txt", "missing.txt"} {
		classNames.used[file] = true // a class may have any name
	}
	labels := labels(e.Classes)
	var table bytes.Buffer
	rows := csv.NewWriter(&table)
	_ = rows.Write([]string{"path", "label", "id", "verdict", "variant"}) // into a buffer
	for _, it := range items {
		if _, ok := labels[it.Truth]; !it.known || !ok {
			s.NoTruth = append(s.NoTruth, it.ID)
			continue
		}
		dir, ok := folders[it.Truth]
		if !ok {
			dir = classNames.class(it.Truth)
			folders[it.Truth], names[dir] = dir, newNamer()
		}
		path := dir + "/" + names[dir].image(string(it.ID))
		if ok, err := e.picture(ctx, &s, put, path, it.Mark); err != nil {
			return s, err
		} else if !ok {
			continue
		}
		_ = rows.Write([]string{path, labels[it.Truth], string(it.ID), string(it.Verdict), it.Variant})
		marks = append(marks, it.Mark)
		s.Marks++
	}
	rows.Flush()
	if err := put("examples.csv", table.Bytes()); err != nil {
		return s, err
	}
	if err := put("classes.txt", []byte(strings.Join(e.Classes, "\n")+"\n")); err != nil {
		return s, err
	}
	var all bytes.Buffer
	if _, err := (&Export{Marks: marks, Facts: e.Facts}).csv(&all); err != nil {
		return s, err
	}
	if err := put("marks.csv", all.Bytes()); err != nil {
		return s, err
	}
	if err := put("README.txt", fmt.Appendf(nil, folderReadme, s.Marks)); err != nil {
		return s, err
	}
	return s, s.missing(put)
}

// labels are what the table calls each class: its name, or its number where all
// names are numbers, which a reader would take for class numbers.
func labels(classes []string) map[string]string {
	numbers := true
	for _, c := range classes {
		if _, err := strconv.Atoi(c); err != nil {
			numbers = false
		}
	}
	out := map[string]string{}
	for i, c := range classes {
		if out[c] = c; numbers {
			out[c] = strconv.Itoa(i)
		}
	}
	return out
}
