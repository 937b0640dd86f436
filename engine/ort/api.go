//go:build ort && (linux || darwin)

package ort

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// apiVersion is the oldest version of the C interface that has every function
// used here and the element types of the engine.
const apiVersion = 17

// The enumerations of onnxruntime_c_api.h that are used.
const (
	logError        = 3  // ORT_LOGGING_LEVEL_ERROR
	disableAll      = 0  // ORT_DISABLE_ALL
	enableAll       = 99 // ORT_ENABLE_ALL
	deviceAllocator = 0  // OrtDeviceAllocator
	memoryDefault   = 0  // OrtMemTypeDefault
)

// The handles of the C interface, all opaque.
type (
	handle = unsafe.Pointer
	status = unsafe.Pointer // nil: fine
)

// api is the functions of OrtApi that are used. The numbers in register are
// their places in that struct, which never change: functions are appended.
type api struct {
	getErrorMessage func(status) string
	releaseStatus   func(status)

	createEnv  func(level int32, id string, out *handle) status
	releaseEnv func(handle)

	createSessionOptions  func(out *handle) status
	setOptimization       func(options handle, level int32) status
	setIntraOpThreads     func(options handle, n int32) status
	setInterOpThreads     func(options handle, n int32) status
	releaseSessionOptions func(handle)

	createSession  func(env handle, model *byte, n uintptr, options handle, out *handle) status
	releaseSession func(handle)

	createRunOptions  func(out *handle) status
	setTerminate      func(options handle) status
	releaseRunOptions func(handle)
	run               func(session, options handle, inNames **byte, in *handle, nIn uintptr, outNames **byte, nOut uintptr, out *handle) status

	createCPUMemoryInfo func(allocator, memory int32, out *handle) status
	releaseMemoryInfo   func(handle)

	createTensor func(info handle, data unsafe.Pointer, bytes uintptr, shape *int64, rank uintptr, elem int32, out *handle) status
	tensorData   func(value handle, out *unsafe.Pointer) status
	releaseValue func(handle)

	valueType   func(value handle, out *int32) status
	tensorShape func(value handle, out *handle) status
	elemType    func(shape handle, out *int32) status
	rank        func(shape handle, out *uintptr) status
	dims        func(shape handle, out *int64, n uintptr) status
	freeShape   func(handle)
}

// apiBase is OrtApiBase.
type apiBase struct{ getAPI, getVersion uintptr }

// load finds the functions in a library and tells its version.
func load(lib uintptr) (*api, string, error) {
	entry, err := purego.Dlsym(lib, "OrtGetApiBase")
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrLibrary, err)
	}
	var base func() *apiBase
	purego.RegisterFunc(&base, entry)
	b := base()
	var getAPI func(uint32) unsafe.Pointer
	var getVersion func() string
	purego.RegisterFunc(&getAPI, b.getAPI)
	purego.RegisterFunc(&getVersion, b.getVersion)
	version := getVersion()
	table := getAPI(apiVersion)
	if table == nil {
		return nil, version, fmt.Errorf("%w: version %s lacks version %d of the C interface", ErrLibrary, version, apiVersion)
	}
	a := &api{}
	a.register((*[101]uintptr)(table))
	return a, version, nil
}

// register binds the functions to their places in OrtApi.
func (a *api) register(table *[101]uintptr) {
	for place, f := range map[int]any{
		2: &a.getErrorMessage, 93: &a.releaseStatus,
		3: &a.createEnv, 92: &a.releaseEnv,
		10: &a.createSessionOptions, 23: &a.setOptimization, 24: &a.setIntraOpThreads, 25: &a.setInterOpThreads, 100: &a.releaseSessionOptions,
		8: &a.createSession, 95: &a.releaseSession,
		39: &a.createRunOptions, 46: &a.setTerminate, 97: &a.releaseRunOptions, 9: &a.run,
		69: &a.createCPUMemoryInfo, 94: &a.releaseMemoryInfo,
		49: &a.createTensor, 51: &a.tensorData, 96: &a.releaseValue,
		67: &a.valueType, 65: &a.tensorShape, 60: &a.elemType, 61: &a.rank, 62: &a.dims, 99: &a.freeShape,
	} {
		purego.RegisterFunc(f, table[place])
	}
}

// check turns a status into an error and frees it.
func (a *api) check(s status) error {
	if s == nil {
		return nil
	}
	err := fmt.Errorf("%w: %s", ErrRuntime, a.getErrorMessage(s))
	a.releaseStatus(s)
	return err
}
