package importer

import (
	"encoding/binary"
	"strconv"

	"github.com/parquet-go/parquet-go/encoding"
)

// accessor gives the i-th stored value of a plain page as int64, float64 or
// string, and nil for types that are neither numbers nor text.
func accessor(values encoding.Values) func(i int) any {
	switch values.Kind() {
	case encoding.Boolean:
		bits := values.Boolean()
		return func(i int) any { return strconv.FormatBool(bits[i/8]>>(i%8)&1 == 1) }
	case encoding.Int32:
		v := values.Int32()
		return func(i int) any { return int64(v[i]) }
	case encoding.Int64:
		v := values.Int64()
		return func(i int) any { return v[i] }
	case encoding.Float:
		v := values.Float()
		return func(i int) any { return float64(v[i]) }
	case encoding.Double:
		v := values.Double()
		return func(i int) any { return v[i] }
	case encoding.ByteArray:
		data, offsets := values.ByteArray()
		return func(i int) any { return string(data[offsets[i]:offsets[i+1]]) }
	case encoding.FixedLenByteArray:
		if data, size := values.FixedLenByteArray(); size == 2 { // float16
			return func(i int) any { return float16(binary.LittleEndian.Uint16(data[2*i:])) }
		}
	}
	return func(int) any { return nil }
}
