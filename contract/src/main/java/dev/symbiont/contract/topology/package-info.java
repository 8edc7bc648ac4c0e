/// Names and arguments of every exchange, queue and binding, each written once.
@NullMarked
package dev.symbiont.contract.topology;

import org.jspecify.annotations.NullMarked;
