// Names of the discardable attributes and functions that ARCHITECTURE.md section 1 fixes.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace drawloom {

// On arguments and results of functions.
inline constexpr llvm::StringLiteral kNameAttr = "drawloom.name";
inline constexpr llvm::StringLiteral kRoleAttr = "drawloom.role";
inline constexpr llvm::StringLiteral kInitAttr = "drawloom.init";
inline constexpr llvm::StringLiteral kDecayAttr = "drawloom.decay";

// Those on ops (drawloom.label, drawloom.segment, drawloom.keep) stand in dialect/ir/Dialect.h.

// On modules: what their artifact carries for the runtime.
inline constexpr llvm::StringLiteral kSpecAttr = "drawloom.spec";              // the resolved spec as JSON
inline constexpr llvm::StringLiteral kSpecSourceAttr = "drawloom.spec_source"; // the TOML text

// On modules: which cuts kernels have (passes/Choices.h).
inline constexpr llvm::StringLiteral kTuningAttr = "drawloom.tuning";   // before lowering
inline constexpr llvm::StringLiteral kChoicesAttr = "drawloom.choices"; // after it

// Made by drawloom-plan-memory.
inline constexpr llvm::StringLiteral kBuffersAttr = "drawloom.buffers"; // module: persistent buffers
inline constexpr llvm::StringLiteral kArenaBytesAttr =
    "drawloom.arena_bytes";                                           // module: bytes an arena, by arena name
inline constexpr llvm::StringLiteral kLocalsAttr = "drawloom.locals"; // function: activations
inline constexpr llvm::StringLiteral kActivationBytesAttr =
    "drawloom.activation_bytes"; // function: size of its activation arena
inline constexpr llvm::StringLiteral kPlacesAttr = "drawloom.places"; // op: (buffer, offset) of each result
inline constexpr llvm::StringLiteral kPlaceAttr = "drawloom.place";   // function argument: (buffer, offset)

// Roles of arguments.
inline constexpr llvm::StringLiteral kParameterRole = "parameter";
inline constexpr llvm::StringLiteral kGradientRole = "gradient";
inline constexpr llvm::StringLiteral kMoment1Role = "moment1";
inline constexpr llvm::StringLiteral kMoment2Role = "moment2";
inline constexpr llvm::StringLiteral kEmaRole = "ema";
inline constexpr llvm::StringLiteral kCacheRole = "cache";
inline constexpr llvm::StringLiteral kIoRole = "io";

// Functions and the module of kernels.
inline constexpr llvm::StringLiteral kLossFunction = "loss";
inline constexpr llvm::StringLiteral kGradientFunction = "gradient";
inline constexpr llvm::StringLiteral kKernelsModule = "kernels";

} // namespace drawloom
