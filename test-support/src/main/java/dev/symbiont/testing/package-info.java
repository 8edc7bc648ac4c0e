/// Real parts for tests: a broker, and a stub of the model API. Never a dependency of shipped code.
@NullMarked
package dev.symbiont.testing;

import org.jspecify.annotations.NullMarked;
