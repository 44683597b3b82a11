/* stack.h — the memory a task runs on. */
#pragma once

#include "world/world_priv.h"

struct stack *stack_take(struct world *w);
void stack_give(struct world *w, struct stack *s);
