"""The files of other benchmark tools: documents → result sets and back. One file a format.

Pure: what a document says is given and handed back as values; reading and writing files is `importing`'s
and `exporting`'s. A format does not know another, nor our own files.
"""
