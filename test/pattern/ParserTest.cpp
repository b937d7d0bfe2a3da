#include "test/pattern/Support.h"
