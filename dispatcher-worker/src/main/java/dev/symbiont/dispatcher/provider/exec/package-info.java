/// Any other command line program: argument template, prompt on stdin, JSON out.
@NullMarked
package dev.symbiont.dispatcher.provider.exec;

import org.jspecify.annotations.NullMarked;
