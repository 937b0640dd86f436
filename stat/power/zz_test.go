package power
import "testing"
func BenchmarkNCP(b *testing.B){ for i:=0;i<b.N;i++ { noncentrality(float64(5+i%60)+0.3, .05, .8) } }
func BenchmarkMcN(b *testing.B){ for i:=0;i<b.N;i++ { McNemar{N:1000,Discordance:0.05}.MinimumDetectableEffect(.05,.8) } }
