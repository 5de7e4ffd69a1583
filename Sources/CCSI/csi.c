#include "CCSI.h"
