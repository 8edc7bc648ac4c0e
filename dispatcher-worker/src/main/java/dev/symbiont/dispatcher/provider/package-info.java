/// What a tier needs of a command line program, and what comes back from one.
@NullMarked
package dev.symbiont.dispatcher.provider;

import org.jspecify.annotations.NullMarked;
