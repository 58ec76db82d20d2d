// Argo's rule engine as a WebAssembly library: the host asks for room with `reserve`, writes a question there, and
// gets where the answer to it stands from `answer`.
package main

import (
	"unsafe"

	// Argo's image has the time zones, which rules can name; here they come along.
	_ "time/tzdata"
)

// One question and one answer at a time; they are held here so that the garbage collector leaves them alone.
var (
	asked []byte
	given []byte
)

// reserve makes room for a question of so many bytes and gives its address.
//
//go:wasmexport reserve
func reserve(size uint32) uint32 {
	asked = make([]byte, size)
	return address(asked)
}

// answer judges the question that was written; the address of the answer is in the upper half, its size in the lower.
//
//go:wasmexport answer
func respond() uint64 {
	given = judge(asked)
	asked = nil
	return uint64(address(given))<<32 | uint64(len(given))
}

func address(bytes []byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(bytes))))
}

func main() {}
