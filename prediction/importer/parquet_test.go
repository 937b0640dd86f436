package importer

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/lethe-audit/lethe/prediction"
	"github.com/parquet-go/parquet-go"
)

// parquetRow is a row of a long table as another program might store it.
type parquetRow struct {
	Example    string    `parquet:"example,dict"`
	Model      string    `parquet:"model,dict"`
	Variant    *string   `parquet:"variant,optional,dict"`
	Label      int64     `parquet:"label"`
	Prediction float64   `parquet:"prediction"`
	Male       bool      `parquet:"male"`
	Age        *int32    `parquet:"age,optional"`
	Confidence float32   `parquet:"confidence"`
	Scores     []float64 `parquet:"scores,list"`
	Nested     struct {
		X int64 `parquet:"x"`
	} `parquet:"nested"`
}

func parquetBytes(t testing.TB, rows []parquetRow) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetRow](&b, parquet.MaxRowsPerRowGroup(3))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parquetOf is a table as one long Parquet file.
func parquetOf(t testing.TB, table *prediction.Table) []byte {
	t.Helper()
	var rows []parquetRow
	for _, v := range table.Variants {
		for _, m := range v.Members {
			for i := range table.Len() {
				r := parquetRow{Example: string(table.ID(i)), Model: m.Name, Variant: &v.Name, Label: int64(table.Labels.At(i)), Prediction: float64(m.Predicted.At(i)), Confidence: 0.75}
				r.Scores = make([]float64, len(table.Classes))
				r.Scores[m.Predicted.At(i)] = 0.75
				r.Scores[1-m.Predicted.At(i)] = 0.25
				rows = append(rows, r)
			}
		}
	}
	return parquetBytes(t, rows)
}

func TestParquet(t *testing.T) {
	dense, int8 := "dense", "int8"
	age := int32(30)
	rows := []parquetRow{
		{Example: "b", Model: "m", Variant: &dense, Label: 1, Prediction: 1, Male: true, Age: &age, Confidence: 0.5, Scores: []float64{0.5, 0.5}},
		{Example: "a", Model: "m", Variant: &dense, Label: 0, Prediction: 1, Confidence: 0.75, Scores: []float64{0.25, 0.75}},
		{Example: "a", Model: "q", Variant: &int8, Label: 0, Prediction: 0, Confidence: 1, Scores: []float64{1, 0}},
		{Example: "b", Model: "q", Variant: &int8, Label: 1, Prediction: 0, Male: true, Age: &age, Confidence: 0.75, Scores: []float64{0.75, 0.25}},
	}
	path := write(t, t.TempDir(), "p.parquet", string(parquetBytes(t, rows)))
	table := mustImport(t, Request{Sources: []string{path}})
	want := "classes [0 1]\na 0 male=false age=?\nb 1 male=true age=30\ndense dense\n m: 1@0.75~0.25 1@0.5~0.5\nint8 quantized 8\n q: 0@1~1 0@0.75~0.25\n"
	if got := show(table); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	dst := make([]float32, 4)
	if err := table.Variants[1].Members[0].Scores.Rows(0, dst); err != nil || dst[0] != 1 || dst[1] != 0 || dst[2] != 0.75 || dst[3] != 0.25 {
		t.Errorf("scores %v, %v", dst, err)
	}
}

// A Parquet file of scores that Write made is read as any other.
func TestParquetFloat16(t *testing.T) {
	dir := t.TempDir()
	table := mustImport(t, Request{Sources: []string{write(t, dir, "p.csv", "id,model,label,p_0,p_1\n1,dense,0,0.5,0.5\n2,dense,1,0.25,0.75\n1,int8,0,1,0\n2,int8,1,0,1\n")}})
	stored := filepath.Join(dir, "s")
	o := prediction.DefaultWriteOptions()
	o.Scores = prediction.ScoresFloat16
	if err := prediction.Write(stored, table, o); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(stored, "models", "*.scores.parquet"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	s, err := openSource(files[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := readParquet(t.Context(), s, func([]string) ([]decode, error) { return []decode{number}, nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.finish(); err != nil {
		t.Fatal(err)
	}
	want := []float32{0.5, 0.5, 0.25, 0.75}
	for i, v := range want {
		if f.cols[0].nums[i] != v {
			t.Errorf("scores %v, want %v", f.cols[0].nums, want)
			break
		}
	}
}
