/* The JDK's jni.h includes this header and uses nothing of it. */
