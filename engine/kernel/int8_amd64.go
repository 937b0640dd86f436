package kernel

func int8AVX2() int8Funcs {
	return int8Funcs{
		lanes: 8, words: dotWordsAVX2(), depthwise: depthwiseWordsAVX2,
		requantBytes: requantBytesAVX2, requantFloats: requantFloatsAVX2,
		quantize: quantizeAVX2, dequantU: dequantizeUAVX2, dequantS: dequantizeSAVX2,
		addU: addBytesUAVX2, addS: addBytesSAVX2, sumU: sumBytesUAVX2, sumS: sumBytesSAVX2,
		maxU: maxBytesU, maxS: maxBytesS,
	}
}

// int8AVX512 multiplies bytes where the processor has VNNI, words elsewhere.
func int8AVX512(vnni bool) int8Funcs {
	f := int8Funcs{
		lanes: 16, words: dotWordsAVX512(), depthwise: depthwiseWordsAVX512,
		requantBytes: requantBytesAVX512, requantFloats: requantFloatsAVX512,
		quantize: quantizeAVX512, dequantU: dequantizeUAVX512, dequantS: dequantizeSAVX512,
		addU: addBytesUAVX512, addS: addBytesSAVX512, sumU: sumBytesUAVX512, sumS: sumBytesSAVX512,
		maxU: maxBytesU, maxS: maxBytesS,
	}
	if vnni {
		f.bytes = dotBytesAVX512()
	}
	return f
}
